"""Counts as decorators take them: 2, "2", "$NODES", "${NODES}", or the name of a global of the task's module."""

import os
import re
from typing import Any, Dict, Optional

from pycompss.util.exceptions import PyCOMPSsException

_VARIABLE = re.compile(r"^\$(?:\{(\w+)\}|(\w+))$")
_ANYWHERE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def variable_name(text: str) -> Optional[str]:
    """NAME of "$NAME" and "${NAME}", else None."""
    match = _VARIABLE.match(text.strip())
    return None if match is None else match.group(1) or match.group(2)


def expand_environment(text: str) -> str:
    """The text with every variable of the environment put in; unset ones become nothing."""
    return _ANYWHERE.sub(lambda match: os.environ.get(match.group(1) or match.group(2), ""), text)


def parse_count(what: str, given: Any, names: Dict[str, Any], absent: int = 1) -> int:
    """`names`: globals of the module that declares the task. An unset environment variable counts as absent."""
    if isinstance(given, bool):
        raise PyCOMPSsException(f"{what} must be a count, not {given!r}")
    if isinstance(given, int):
        return given
    if not isinstance(given, str):
        raise PyCOMPSsException(f"{what} must be an int or a str, not {type(given).__name__}")
    text = given.strip()
    variable = variable_name(text)
    if variable is not None:
        text = os.environ.get(variable, "").strip() or str(absent)
    elif text in names:
        text = str(names[text])
    try:
        return int(text)
    except ValueError:
        raise PyCOMPSsException(f"{what}: {given!r} is no count, no variable and no global") from None
