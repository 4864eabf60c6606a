"""Tasks of the package itself: those that carry out data transformations, by the kind of what they take and give."""

from pycompss.api.parameter import COLLECTION_IN, DIRECTORY_IN, DIRECTORY_OUT, FILE_IN, FILE_OUT
from pycompss.api.task import task


@task(returns=1)
def identity(value):
    return value


@task(returns=1)
def object_to_object(function, value, arguments):
    return function(value, **arguments)


@task(destination=FILE_OUT)
def object_to_file(function, value, destination, arguments):
    function(value, destination, **arguments)


@task(value=FILE_IN, returns=1)
def file_to_object(function, value, arguments):
    return function(value, **arguments)


@task(value=FILE_IN, returns=1)
def file_to_collection(function, value, arguments):
    return function(value, **arguments)


@task(value=COLLECTION_IN, returns=1)
def collection_to_object(function, value, arguments):
    return function(value, **arguments)


@task(value=COLLECTION_IN, destination=FILE_OUT)
def collection_to_file(function, value, destination, arguments):
    function(value, destination, **arguments)


@task(destination=DIRECTORY_OUT)
def object_to_directory(function, value, destination, arguments):
    function(value, destination, **arguments)


@task(value=DIRECTORY_IN, returns=1)
def directory_to_object(function, value, arguments):
    return function(value, **arguments)


@task(value=COLLECTION_IN, destination=DIRECTORY_OUT)
def collection_to_directory(function, value, destination, arguments):
    function(value, destination, **arguments)


BY_TYPE = {
    None: object_to_object,
    0: object_to_file,
    1: file_to_object,
    2: file_to_collection,
    3: collection_to_object,
    4: collection_to_file,
    5: object_to_directory,
    6: directory_to_object,
    7: collection_to_directory,
}
