"""Texts of decorators that name parameters of the task: `-d {{param}}`."""

import re
import shlex
from typing import Any, Dict, List

from pycompss._core.numbers import expand_environment
from pycompss.util.exceptions import PyCOMPSsException

PLACE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


def fill(template: str, arguments: Dict[str, Any]) -> str:
    def value_of(match: "re.Match[str]") -> str:
        name = match.group(1)
        if name not in arguments:
            raise PyCOMPSsException(f"{template!r} names {name!r}, which is no parameter of the task")
        return as_word(arguments[name])

    return PLACE.sub(value_of, template)


def words(template: str, arguments: Dict[str, Any]) -> List[str]:
    """Words of a command line. It is split before the values are put in: a value with spaces stays one word, a list
    that stands alone becomes a word per element."""
    result: List[str] = []
    for word in shlex.split(expand_environment(template)):
        alone = PLACE.fullmatch(word)
        value = arguments.get(alone.group(1)) if alone else None
        if isinstance(value, (list, tuple)):
            result.extend(as_word(one) for one in flat(value))
        else:
            result.append(fill(word, arguments))
    return result


def flat(value: Any) -> List[Any]:
    if isinstance(value, (list, tuple)):
        return [leaf for one in value for leaf in flat(one)]
    return [value]


def as_word(value: Any) -> str:
    return value.decode() if isinstance(value, (bytes, bytearray)) else str(value)
