"""How a task uses one of its parameters."""

import sys
from typing import Any, Dict, NamedTuple, Optional

from pycompss.util.exceptions import PyCOMPSsException

IN, OUT, INOUT, CONCURRENT, COMMUTATIVE, IN_DELETE = range(6)
DIRECTION_NAMES = ("IN", "OUT", "INOUT", "CONCURRENT", "COMMUTATIVE", "IN_DELETE")

OBJECT = "object"
FILE = "file"
DIRECTORY = "directory"
COLLECTION = "collection"
FILE_COLLECTION = "file_collection"
DICTIONARY = "dictionary"
STREAM = "stream"

STDIN, STDOUT, STDERR, UNSPECIFIED = range(4)

#: Keys of the dictionary form of a parameter.
TYPE_KEY = "type"
DIRECTION_KEY = "direction"
STREAM_KEY = "stream"
PREFIX_KEY = "prefix"
DEPTH_KEY = "depth"
WEIGHT_KEY = "weight"
KEEP_RENAME_KEY = "keep_rename"
CACHE_KEY = "cache"


class ParameterSpec(NamedTuple):
    """Immutable, so that one constant serves every task that names it."""

    kind: str = OBJECT
    direction: int = IN
    stream: int = UNSPECIFIED
    prefix: str = "null"
    depth: int = sys.maxsize
    weight: float = 1.0
    keep_rename: bool = False
    cache: bool = True

    @property
    def is_collection(self) -> bool:
        return self.kind in (COLLECTION, FILE_COLLECTION, DICTIONARY)

    @property
    def writes(self) -> bool:
        return self.direction in (OUT, INOUT, CONCURRENT, COMMUTATIVE)

    @property
    def plain(self) -> bool:
        """Nothing is known of it but that it is read."""
        if self is DEFAULT_SPEC:
            return True
        return self.kind == OBJECT and self.direction == IN and self.weight == 1.0 and self.prefix == "null"


DEFAULT_SPEC = ParameterSpec()


class ParameterConstant:
    """A name of `pycompss.api.parameter`, told apart from anything else that may stand in a decorator."""

    __slots__ = ("name", "spec")

    def __init__(self, name: str, spec: ParameterSpec) -> None:
        self.name = name
        self.spec = spec

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name

    __module__ = "pycompss.api.parameter"


def direction_of(given: Any) -> int:
    """A direction as a number, as the text of one, or as one of the constants."""
    if isinstance(given, ParameterConstant):
        return given.spec.direction
    if isinstance(given, str) and given.upper() in DIRECTION_NAMES:
        return DIRECTION_NAMES.index(given.upper())
    if isinstance(given, int) and 0 <= int(given) < len(DIRECTION_NAMES):
        return int(given)
    raise PyCOMPSsException(f"{given!r} is no direction")


def parse_spec(given: Any) -> Optional[ParameterSpec]:
    """The meaning of one parameter in a decorator; None when it is neither a constant nor a dictionary."""
    if isinstance(given, ParameterConstant):
        return given.spec
    if isinstance(given, ParameterSpec):
        return given
    if isinstance(given, dict):
        return _from_dict(given)
    return None


def _from_dict(given: Dict[str, Any]) -> ParameterSpec:
    base = given.get(TYPE_KEY)
    spec = DEFAULT_SPEC if base is None else parse_spec(base)
    if spec is None:
        raise PyCOMPSsException(f"{base!r} is no type of a parameter")
    changes: Dict[str, Any] = {}
    for key, value in given.items():
        if key != TYPE_KEY:
            changes[_field(key)] = _convert(key, value)
    return spec._replace(**changes)


def _field(key: Any) -> str:
    if key not in (DIRECTION_KEY, STREAM_KEY, PREFIX_KEY, DEPTH_KEY, WEIGHT_KEY, KEEP_RENAME_KEY, CACHE_KEY):
        raise PyCOMPSsException(f"{key!r} is no key of a parameter")
    return key


def _convert(key: str, value: Any) -> Any:
    if key == DIRECTION_KEY:
        return direction_of(value)
    if key == STREAM_KEY:
        return value.spec.stream if isinstance(value, ParameterConstant) else int(value)
    if key == DEPTH_KEY:
        return int(value)
    if key == WEIGHT_KEY:
        return float(value)
    if key in (KEEP_RENAME_KEY, CACHE_KEY):
        return bool(value)
    return value
