"""What a node must have to run a task: from the decorator's spelling to the runtime's."""

import os
from typing import Any, Dict, List, Optional

from pycompss._core.numbers import variable_name
from pycompss._core.warnings import warn
from pycompss.util.exceptions import PyCOMPSsException

#: May be given by a parameter, a global or an expression over them, evaluated at every call.
DYNAMIC = ("computing_units", "memory_size", "storage_size")

_PROCESSOR_KEYS = {
    "processor_name": "name",
    "processor_speed": "speed",
    "processor_architecture": "architecture",
    "processor_type": "type",
    "processor_internal_memory_size": "internalMemoryGb",
}
_INNER_KEYS = {
    "processorname": "name",
    "name": "name",
    "speed": "speed",
    "processorspeed": "speed",
    "architecture": "architecture",
    "processorarchitecture": "architecture",
    "processortype": "type",
    "type": "type",
    "computingunits": "units",
    "internalmemorysize": "internalMemoryGb",
    "processorinternalmemorysize": "internalMemoryGb",
}
_PLAIN_KEYS = {"memory_type": "memoryType", "storage_type": "storageType"}
_SYSTEM_KEYS = {
    "operating_system_type": "type",
    "operating_system_distribution": "distribution",
    "operating_system_version": "version",
}
_OTHER_KEYS = (
    "computing_units",
    "processors",
    "memory_size",
    "storage_size",
    "storageBW",
    "storage_bw",
    "app_software",
    "host_queues",
    "wall_clock_limit",
    "is_local",
    "processor_property_name",
    "processor_property_value",
)
_KNOWN = frozenset(_OTHER_KEYS) | frozenset(_PROCESSOR_KEYS) | frozenset(_PLAIN_KEYS) | frozenset(_SYSTEM_KEYS)
_PROCESSOR_TYPES = ("CPU", "GPU", "FPGA", "OTHER")


def check_constraints(given: Dict[str, Any]) -> Dict[str, Any]:
    """What can be said when the decorator is read: classes of values, unknown names."""
    for key, value in given.items():
        if key == "is_local":
            if not isinstance(value, bool):
                raise PyCOMPSsException(f"@constraint: is_local must be a bool, not {value!r}")
        elif isinstance(value, bool) or not isinstance(value, (str, int, list)):
            raise PyCOMPSsException(f"@constraint: {key} must be a str, an int or a list, not {value!r}")
    unknown = [key for key in given if key not in _KNOWN]
    if unknown:
        warn(f"@constraint: unknown constraint(s): {', '.join(sorted(unknown))}. Ignored.")
    return {key: value for key, value in given.items() if key in _KNOWN}


def is_dynamic(given: Dict[str, Any]) -> bool:
    return any(key in given and _is_name(given[key]) for key in DYNAMIC)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and variable_name(value) is None and not _is_number(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
        return True
    except ValueError:
        return False


def evaluate(given: Dict[str, Any], globals_: Dict[str, Any], arguments: Dict[str, Any]) -> Dict[str, Any]:
    """The runtime's form. `arguments`: of the call, for dynamic constraints."""
    scope = _Scope(globals_, arguments)
    result: Dict[str, Any] = {}
    processors = _processors(given, scope)
    if processors:
        result["processors"] = processors
    _put(result, "memoryGb", scope.number("memory_size", given.get("memory_size")))
    _put(result, "storageGb", scope.number("storage_size", given.get("storage_size")))
    _put(result, "storageBandwidth", scope.number("storageBW", given.get("storageBW", given.get("storage_bw"))))
    _put(result, "wallClockLimitMinutes", scope.number("wall_clock_limit", given.get("wall_clock_limit")))
    for key, name in _PLAIN_KEYS.items():
        _put(result, name, _text(given.get(key)))
    system = {name: _text(given[key]) for key, name in _SYSTEM_KEYS.items() if _text(given.get(key)) is not None}
    _put(result, "operatingSystem", system or None)
    _put(result, "software", _words(given.get("app_software")))
    _put(result, "hostQueues", _words(given.get("host_queues")))
    if given.get("is_local"):
        result["isLocal"] = True
    return result


class _Scope:
    """Names that a constraint may be written with."""

    def __init__(self, globals_: Dict[str, Any], arguments: Dict[str, Any]) -> None:
        self._globals = globals_
        self._arguments = arguments

    def number(self, key: str, value: Any) -> Optional[float]:
        """None when nothing is asked for: absent, or a variable of the environment that is not set."""
        if value is None or value == "[unassigned]":
            return None
        if isinstance(value, str):
            variable = variable_name(value)
            if variable is not None:
                value = os.environ.get(variable, "").strip()
                if value == "":
                    return None
            elif not _is_number(value):
                value = self._evaluate(key, value)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise PyCOMPSsException(f"@constraint: {key}: {value!r} is no number") from None
        return int(number) if number.is_integer() else number

    def _evaluate(self, key: str, text: str) -> Any:
        if text in self._arguments:
            return self._arguments[text]
        if text in self._globals:
            return self._globals[text]
        try:
            return eval(text, self._globals, self._arguments)  # noqa: S307  (the program's own expression)
        except Exception as error:
            raise PyCOMPSsException(f"@constraint: {key}: {text!r} has no value: {error}") from error


def _processors(given: Dict[str, Any], scope: _Scope) -> List[Dict[str, Any]]:
    listed = given.get("processors")
    if isinstance(listed, str):
        raise PyCOMPSsException("@constraint: processors must be a list of dictionaries")
    processors = [_processor(one, scope) for one in listed or ()]
    one: Dict[str, Any] = {}
    for key, name in _PROCESSOR_KEYS.items():
        _put(one, name, _field(name, given.get(key), scope))
    if given.get("processor_property_name"):
        one["properties"] = {str(given["processor_property_name"]): str(given.get("processor_property_value", ""))}
    units = scope.number("computing_units", given.get("computing_units"))
    if one or units is not None:
        one.setdefault("type", "CPU")
        one["units"] = 1 if units is None else units
        processors.append(one)
    return processors


def _processor(given: Any, scope: _Scope) -> Dict[str, Any]:
    if not isinstance(given, dict):
        raise PyCOMPSsException(f"@constraint: a processor is a dictionary, not {given!r}")
    processor: Dict[str, Any] = {"type": "CPU", "units": 1}
    properties = {}
    for key, value in given.items():
        spelled = str(key).replace("_", "").lower()
        name = _INNER_KEYS.get(spelled)
        if name is not None:
            _put(processor, name, _field(name, value, scope))
        elif spelled in ("propertyname", "processorpropertyname"):
            properties["name"] = str(value)
        elif spelled in ("propertyvalue", "processorpropertyvalue"):
            properties["value"] = str(value)
        else:
            raise PyCOMPSsException(f"@constraint: {key!r} is no key of a processor")
    if "name" in properties:
        processor["properties"] = {properties["name"]: properties.get("value", "")}
    return processor


def _field(name: str, value: Any, scope: _Scope) -> Any:
    if name in ("units", "speed", "internalMemoryGb"):
        number = scope.number(name, value)
        return 1 if number is None and name == "units" else number
    text = _text(value)
    if name == "type" and text is not None:
        if text.upper() not in _PROCESSOR_TYPES:
            raise PyCOMPSsException(f"@constraint: processor type {text!r} is none of {', '.join(_PROCESSOR_TYPES)}")
        return text.upper()
    return text


def _text(value: Any) -> Optional[str]:
    if value is None or value == "[unassigned]":
        return None
    variable = variable_name(value) if isinstance(value, str) else None
    return (os.environ.get(variable) or None) if variable is not None else str(value)


def _words(value: Any) -> Optional[List[str]]:
    if value is None:
        return None
    words = value if isinstance(value, list) else (_text(value) or "").split(",")
    kept = [str(word).strip() for word in words if str(word).strip()]
    return kept or None


def _put(result: Dict[str, Any], key: str, value: Any) -> None:
    if value is not None:
        result[key] = value
