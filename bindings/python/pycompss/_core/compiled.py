"""Tasks that numba compiles in the worker."""

from typing import Any, Callable, Dict

from pycompss._core.declaration import Declaration
from pycompss.util.exceptions import PyCOMPSsException

_KINDS = ("jit", "generated_jit", "njit", "vectorize", "guvectorize", "stencil", "cfunc")
_compiled: Dict[Callable, Callable] = {}


def numba_kind(given: Any) -> str:
    if given is True or isinstance(given, dict):
        return "jit"
    if isinstance(given, str) and given in _KINDS:
        return given
    raise PyCOMPSsException(f"@task: numba={given!r} is none of True, a dict, {', '.join(_KINDS)}")


def compiled_function(declaration: Declaration) -> Callable:
    """Once per process."""
    known = _compiled.get(declaration.function)
    if known is None:
        known = _compiled[declaration.function] = _compile(declaration)
    return known


def _compile(declaration: Declaration) -> Callable:
    options = declaration.options
    kind = numba_kind(options.numba)
    try:
        import numba
    except ImportError as error:
        raise PyCOMPSsException(f"{declaration.qualname}: numba={options.numba!r}, but numba is not installed") from error
    flags = dict(options.numba if isinstance(options.numba, dict) else options.numba_flags)
    decorator = getattr(numba, kind, None)
    if decorator is None:
        raise PyCOMPSsException(f"{declaration.qualname}: numba {numba.__version__} has no {kind}")
    if kind in ("jit", "njit"):
        flags["cache"] = True
    arguments = []
    if options.numba_signature is not None:
        arguments.append(options.numba_signature)
    if kind == "guvectorize":
        arguments.append(options.numba_declaration)
    return decorator(*arguments, **flags)(declaration.function)
