"""`@software`: the decorators of a task, read from a JSON file."""

import importlib
import json
import os
from typing import Any, Callable, Dict

from pycompss._core.arguments import check_mandatory, warn_unexpected
from pycompss._core.declaration import Declaration, own_declaration
from pycompss._core.options import TaskOptions, parse_options
from pycompss.util.exceptions import PyCOMPSsException

#: Module and class by execution type; None: the function itself.
_TYPES = {
    "task": None,
    "workflow": None,
    "binary": ("binary", "Binary"),
    "mpi": ("mpi", "Mpi"),
    "mpmd_mpi": ("mpmd_mpi", "MPMDMPI"),
    "http": ("http", "HTTP"),
    "compss": ("compss", "COMPSs"),
    "multinode": ("multinode", "MultiNode"),
    "julia": ("julia", "Julia"),
}
_BESIDE = {
    "constraints": ("constraint", "Constraint"),
    "container": ("container", "Container"),
    "prolog": ("prolog", "Prolog"),
    "epilog": ("epilog", "Epilog"),
}


class Software:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_mandatory("@software", kwargs, ("config_file",))
        warn_unexpected("@software", kwargs, ("config_file",))
        self.config = _read(str(kwargs["config_file"]))

    def __call__(self, function: Callable) -> Callable:
        execution = dict(self.config.get("execution") or {})
        kind = str(execution.pop("type", "task")).lower()
        if kind not in _TYPES:
            raise PyCOMPSsException(f"@software: execution.type {kind!r} is none of {', '.join(_TYPES)}")
        if kind == "workflow":
            return function
        decorated = self._as_task(function)
        found = _TYPES[kind]
        if found is not None:
            decorated = _decorator(found, execution)(decorated)
        for key, place in _BESIDE.items():
            if self.config.get(key):
                decorated = _decorator(place, dict(self.config[key]))(decorated)
        return _callable_outside(decorated)

    def _as_task(self, function: Callable) -> Callable:
        parameters = {name: _meaning(value) for name, value in dict(self.config.get("parameters") or {}).items()}
        own = own_declaration(function)
        if own is None:
            return Declaration(function, parse_options(parameters)).make_callable()
        options = _merged(own.options, parse_options(parameters), parameters)
        return Declaration(own.function, options, own.parts).make_callable()


def _read(path: str) -> Dict[str, Any]:
    try:
        with open(os.path.expandvars(path), encoding="utf-8") as file:
            config = json.load(file)
    except (OSError, ValueError) as error:
        raise PyCOMPSsException(f"@software: the configuration {path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise PyCOMPSsException(f"@software: the configuration {path} is no JSON object")
    return config


def _decorator(place: Any, arguments: Dict[str, Any]) -> Any:
    module, name = place
    return getattr(importlib.import_module(f"pycompss.api.{module}"), name)(**arguments)


def _meaning(value: Any) -> Any:
    """Names of constants stand for them."""
    from pycompss.api import parameter

    if isinstance(value, str) and value in vars(parameter):
        return getattr(parameter, value)
    if isinstance(value, dict):
        return {str(key).lower(): _meaning(one) for key, one in value.items()}
    return value


def _merged(own: TaskOptions, read: TaskOptions, given: Dict[str, Any]) -> TaskOptions:
    fields = {name: getattr(read, name) for name in TaskOptions._fields if name in given}
    return own._replace(specs={**own.specs, **read.specs}, **fields)


def _callable_outside(decorated: Callable) -> Callable:
    """Outside the runtime the function itself is called."""
    own = own_declaration(decorated)
    return decorated if own is None else own.with_parts({"outside": (None, "")}).make_callable()


software = Software
