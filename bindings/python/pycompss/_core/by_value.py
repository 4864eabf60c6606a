"""Tasks that no worker can import: defined in a notebook, at a prompt, or inside another function.

Their function travels with each call, pickled by dill or cloudpickle, whichever is installed.
"""

import importlib
from typing import Any, Callable, Dict, List

from metakernel import registry as runners
from metakernel.link import Argument
from pycompss.util.exceptions import PyCOMPSsException

MODULE = "pycompss._core.by_value"
METHOD = "run"

_pickled: Dict[Callable, bytes] = {}
_loaded: Dict[bytes, Any] = {}


def needed(declaration: Any) -> bool:
    return declaration.module == "__main__" or "<locals>" in declaration.qualname


def argument(declaration: Any) -> Argument:
    known = _pickled.get(declaration.function)
    if known is None:
        known = _pickled[declaration.function] = _pickle(declaration)
    return Argument(None, known)


def _pickle(declaration: Any) -> bytes:
    content = (declaration.function, declaration.options, declaration.parts)
    for name in ("cloudpickle", "dill"):
        try:
            pickler = importlib.import_module(name)
        except ImportError:
            continue
        options = {"recurse": True} if name == "dill" else {}
        return pickler.dumps(content, protocol=5, **options)
    raise PyCOMPSsException(
        f"{declaration.qualname} is not at the top level of a module that workers can import: "
        "install dill, or move it to a module"
    )


def run(args: List[Any], kwargs: Dict[str, Any], extra: Any = None) -> Any:
    """In the worker."""
    from pycompss._core.body import run_body
    from pycompss._core.declaration import Declaration

    pickled, *rest = args
    declaration = _loaded.get(pickled)
    if declaration is None:
        function, options, parts = _unpickle(pickled)
        declaration = _loaded[pickled] = Declaration(function, options, parts)
    return run_body(declaration, rest, kwargs, extra)


def _unpickle(pickled: bytes) -> Any:
    for name in ("cloudpickle", "dill"):
        try:
            return importlib.import_module(name).loads(pickled)
        except ImportError:
            continue
    raise PyCOMPSsException("a task was sent with its function, and neither cloudpickle nor dill is installed here")


runners.register(MODULE, METHOD, run)
