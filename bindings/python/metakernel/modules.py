"""Finds the function of an implementation."""

import importlib
import importlib.util
import os
import sys
import traceback

from metakernel import registry


class Missing(Exception):
    """The function cannot be had here. ``code`` is the runtime's."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def runner_of(module, method):
    """What a worker calls: ``runner(args, kwargs, extra)``."""
    if method == "__main__":
        from metakernel import program

        return program.runner(module)
    loaded = load(module)
    name = loaded.__name__
    found = registry.find(name, method)
    if found is not None:
        return found
    target = loaded
    for part in method.split("."):
        target = getattr(target, part, None)
        if target is None:
            raise Missing("ERR_FUNCTION_UNKNOWN", "Module %s has no function %s. It has %s"
                          % (_where(loaded), method, ", ".join(_functions(loaded)) or "none"))
    if not callable(target):
        raise Missing("ERR_FUNCTION_UNKNOWN", "%s of module %s is not a function" % (method, _where(loaded)))
    return lambda args, kwargs, extra: target(*args, **kwargs)


def load(module):
    """Imports a module by its dotted name, or by the path of its file below a directory of sys.path."""
    name = dotted(module)
    known = sys.modules.get(name)
    if known is not None:
        return known
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise Missing("ERR_MODULE_UNKNOWN", "Module %s is in none of the directories of sys.path on %s: %s"
                          % (name, node(), ", ".join(sys.path))) from None
        raise _failed(name, error) from error
    except Exception as error:
        raise _failed(name, error) from error
    except SystemExit as error:
        raise _failed(name, error) from error


def dotted(module):
    path = module[:-3] if module.endswith(".py") else module
    if path.startswith("/"):
        for root in sorted(sys.path, key=len, reverse=True):
            if root and path.startswith(os.path.join(root, "")):
                path = os.path.relpath(path, root)
                break
        else:
            raise _outside(module)
    if ".." in path.split("/") or path.startswith("."):
        raise _outside(module)
    return path.replace("/", ".")


def file_of(module):
    """The file of a program: given by path, or by name below a directory of sys.path."""
    path = module if module.endswith(".py") else module.replace(".", "/") + ".py"
    if os.path.isabs(path):
        if os.path.isfile(path):
            return path
        raise Missing("ERR_MODULE_UNKNOWN", "There is no file %s on %s" % (path, node()))
    if ".." in path.split("/"):
        raise _outside(module)
    for root in sys.path:
        found = os.path.join(root, path)
        if os.path.isfile(found):
            return found
    raise Missing("ERR_MODULE_UNKNOWN", "File %s is in none of the directories of sys.path on %s: %s"
                  % (path, node(), ", ".join(sys.path)))


def node():
    return os.environ.get("METAKERNEL_NODE") or "this node"


def _outside(module):
    return Missing("ERR_MODULE_OUTSIDE_CODE_PATH", "Module %s lies outside the directories of sys.path on %s: %s"
                   % (module, node(), ", ".join(sys.path)))


def _failed(name, error):
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return Missing("ERR_MODULE_FAILED", "Module %s could not be imported on %s: %s: %s\n%s"
                   % (name, node(), type(error).__name__, error, text))


def _where(module):
    return getattr(module, "__file__", None) or module.__name__


def _functions(module):
    own = set(registry.known(module.__name__))
    own.update(name for name, value in vars(module).items()
               if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == module.__name__)
    return sorted(own)[:20]
