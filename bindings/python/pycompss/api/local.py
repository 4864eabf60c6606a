"""`@local`: a plain function that gets the values of what tasks have made."""

from pycompss._core.local_call import local_function


def local(input_function):
    return local_function(input_function)


Local = local
