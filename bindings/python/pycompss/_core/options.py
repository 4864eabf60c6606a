"""What is written in the parentheses of `@task`."""

from typing import Any, Dict, List, NamedTuple, Optional

from pycompss._core.arguments import replace_deprecated
from pycompss._core.spec import (
    DEFAULT_SPEC,
    INOUT,
    ParameterConstant,
    ParameterSpec,
    direction_of,
    parse_spec,
)
from pycompss.util.exceptions import PyCOMPSsException

ON_FAILURE = ("RETRY", "FAIL", "IGNORE", "CANCEL_SUCCESSORS")


class TaskOptions(NamedTuple):
    #: By parameter, as far as given.
    specs: Dict[str, ParameterSpec] = {}
    returns: Any = False
    target_direction: int = INOUT
    varargs: ParameterSpec = DEFAULT_SPEC
    priority: bool = False
    on_failure: str = "RETRY"
    defaults: Dict[str, Any] = {}
    #: Seconds; 0: none.
    time_out: Any = 0
    is_replicated: bool = False
    is_distributed: bool = False
    computing_nodes: Any = 1
    processes_per_node: Any = 1
    is_reduce: bool = False
    chunk_size: Any = 0
    cache_returns: bool = True
    tracing_hook: bool = False
    numba: Any = False
    numba_flags: Dict[str, Any] = {}
    numba_signature: Any = None
    numba_declaration: Any = None
    #: Names that are neither known nor a parameter's.
    unknown: List[str] = []


_DIRECT = (
    "returns",
    "priority",
    "defaults",
    "time_out",
    "is_replicated",
    "is_distributed",
    "computing_nodes",
    "processes_per_node",
    "is_reduce",
    "chunk_size",
    "cache_returns",
    "tracing_hook",
    "numba",
    "numba_flags",
    "numba_signature",
    "numba_declaration",
)


def parse_options(given: Dict[str, Any]) -> TaskOptions:
    given = dict(replace_deprecated("@task", given))
    fields: Dict[str, Any] = {name: given.pop(name) for name in _DIRECT if name in given}
    if "target_direction" in given:
        fields["target_direction"] = _constant("target_direction", given.pop("target_direction")).direction
    if "varargs_type" in given:
        fields["varargs"] = _constant("varargs_type", given.pop("varargs_type"))
    if "on_failure" in given:
        fields["on_failure"] = check_on_failure(given.pop("on_failure"))
    specs: Dict[str, ParameterSpec] = {}
    unknown: List[str] = []
    for name, value in given.items():
        spec = parse_spec(value)
        if spec is None:
            unknown.append(name)
        else:
            specs[name] = spec
    return TaskOptions(specs=specs, unknown=unknown, **fields)


def _constant(name: str, given: Any) -> ParameterSpec:
    if isinstance(given, ParameterConstant):
        return given.spec
    raise PyCOMPSsException(f"@task: {name} must be a constant of pycompss.api.parameter, not {given!r}")


def check_on_failure(given: Any) -> str:
    if isinstance(given, str) and given in ON_FAILURE:
        return given
    raise PyCOMPSsException(f"on_failure: {given!r} is none of {', '.join(ON_FAILURE)}")


def seconds(given: Optional[Any]) -> float:
    if given is None or isinstance(given, bool):
        return 0.0
    try:
        return max(0.0, float(given))
    except (TypeError, ValueError):
        raise PyCOMPSsException(f"time_out: {given!r} is no number of seconds") from None
