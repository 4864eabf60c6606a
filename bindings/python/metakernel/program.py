"""Runs a whole program, as ``python3 app.py`` would, with tasks."""

import atexit
import os
import sys
import threading
import traceback

from metakernel import link, modules, values


def runner(module):
    """What a worker calls for the method ``__main__``. The process is of no use to others afterwards."""
    path = modules.file_of(module)
    return lambda args, kwargs, extra: run(path, [str(arg) for arg in args])


def run(path, arguments):
    """``SystemExit`` counts as Python has it: no code is 0, a text is 1. Raises ProgramExit for what is not 0."""
    folder = os.path.dirname(path)
    stem = os.path.splitext(os.path.basename(path))[0]
    sys.argv = [path] + arguments
    if folder not in sys.path:
        sys.path.insert(0, folder)
    values.main_module = stem
    try:
        _as_main(path, stem)
        status = 0
    except SystemExit as stop:
        status = _status(stop.code)
    current = link.current()
    if current is not None:
        current.finish()
    _leave()
    if status:
        raise ProgramExit(status)


def _as_main(path, stem):
    """What workers pickle as ``stem.Class`` is found in the module that runs here, and the other way about."""
    module = type(sys)("__main__")
    module.__file__ = path
    module.__metakernel_name__ = stem
    sys.modules["__main__"] = module
    sys.modules[stem] = module
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    exec(code, module.__dict__)


def _leave():
    """What the interpreter does at its end, which workers reach on a shorter way."""
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
    except Exception:
        traceback.print_exc()


class ProgramExit(Exception):
    """The program ended with a status that is not 0."""

    def __init__(self, status):
        super().__init__("the program ended with exit status %d" % status)
        self.exit_status = status


def _status(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1
