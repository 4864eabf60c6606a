"""Functions that workers run, by module and qualified name. ``@task`` fills it when a module is imported.

A worker that gets an attempt imports the module and calls the *runner* registered for ``(module, method)``; without one
it takes the attribute of the module. A runner is called as ``runner(args, kwargs, extra)`` with the arguments already
in place (data as values, files as paths) and ``Call.extra``, and gives what the user's function gives.
"""

_runners = {}


def register(module, method, runner):
    """The last registration wins: a module that is reloaded replaces its functions."""
    _runners[(module, method)] = runner


def find(module, method):
    return _runners.get((module, method))


def known(module):
    """Names registered for a module, for messages."""
    return sorted(name for found, name in _runners if found == module)
