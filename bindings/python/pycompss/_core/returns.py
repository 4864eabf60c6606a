"""How many values a task returns, and of which class: as declared, or else as its hints and its source tell."""

import ast
import inspect
import re
import textwrap
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from pycompss.util.exceptions import PyCOMPSsException

#: Their handles are plain futures; an object of any other class that needs no arguments is the handle itself.
_BASIC = frozenset(
    (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset, object, type(None))
)
_VALUE_OF = re.compile(r"^value_of\(\s*([A-Za-z_][\w.]*)\s*\)$")
_PARAMETER = re.compile(r"^\{\{\s*(\w+)\s*\}\}$")


class Returns(NamedTuple):
    """`types[i]`: class to make the handle of, or None for a plain future. `bare`: one value, not a list of one."""

    types: Tuple[Optional[type], ...] = ()
    bare: bool = True
    #: Name of the parameter whose object is the handle.
    parameter: Optional[str] = None
    #: Parameter and attributes whose value is the count.
    counted_by: Optional[Tuple[str, ...]] = None

    @property
    def count(self) -> int:
        return len(self.types)


NOTHING = Returns()
_ONE = Returns((None,))


def parse_returns(given: Any, names: Callable[[], Dict[str, Any]]) -> Optional[Returns]:
    """What `returns=` says; None when it says nothing and the function has to tell. `names`: the module's globals."""
    if given is None or given is False or (isinstance(given, int) and not isinstance(given, bool) and given == 0):
        return None
    if given is True:
        return _ONE
    if isinstance(given, int):
        return several((None,) * given)
    if isinstance(given, str):
        return _parse_text(given.strip(), names)
    if isinstance(given, (tuple, list)):
        types = tuple(_handle_type(one) for one in given)
        return Returns(types, bare=False) if types else None
    return Returns((_handle_type(given),))


def several(types: Tuple[Optional[type], ...]) -> Returns:
    return Returns(types, bare=len(types) == 1)


def _parse_text(text: str, names: Callable[[], Dict[str, Any]]) -> Optional[Returns]:
    if text.lstrip("+-").isdigit():
        return parse_returns(int(text), names)
    parameter = _PARAMETER.match(text)
    if parameter is not None:
        return Returns((None,), parameter=parameter.group(1))
    path = _VALUE_OF.match(text)
    if path is not None:
        return Returns(counted_by=tuple(path.group(1).split(".")))
    try:
        return parse_returns(int(names()[text]), names)
    except (KeyError, TypeError, ValueError):
        raise PyCOMPSsException(f"returns={text!r}: no count, and no global of that name that is one") from None


def counted(path: Tuple[str, ...], arguments: Dict[str, Any]) -> Returns:
    """The form value_of(param.attr), on the arguments of one call."""
    try:
        value = arguments[path[0]]
        for attribute in path[1:]:
            value = getattr(value, attribute)
        count = int(value)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise PyCOMPSsException(f"returns=value_of({'.'.join(path)}) has no value: {error!r}") from error
    return several((None,) * count) if count > 0 else NOTHING


def _handle_type(given: Any) -> Optional[type]:
    if not isinstance(given, type) or given in _BASIC or given.__module__ in ("builtins", "typing", "numpy"):
        return None
    return given


def new_handle(cls: Optional[type]) -> Any:
    """An empty object of the class, for the main program to hold; None when a plain future has to do."""
    if cls is None:
        return None
    try:
        return cls()
    except TypeError:
        return None


# ---------------------------------------------------------------------------------------------- inference


def infer_returns(function: Callable, is_method: bool) -> Returns:
    hinted = _from_hint(function)
    if hinted is not None:
        return hinted
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return _ONE
    if is_method:
        return _from_lines(source.splitlines())
    return _from_tree(source)


def _from_hint(function: Callable) -> Optional[Returns]:
    hints = getattr(function, "__annotations__", {})
    if "return" not in hints:
        return None
    hint = hints["return"]
    if isinstance(hint, tuple):
        return Returns(tuple(_handle_type(one) for one in hint), bare=len(hint) == 1)
    return Returns((_handle_type(hint),))


def _from_tree(source: str) -> Returns:
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError):
        return _from_lines(source.splitlines())
    counts = [_size(node.value) for node in ast.walk(tree) if isinstance(node, ast.Return)]
    return several((None,) * max(counts)) if counts else NOTHING


def _from_lines(lines: List[str]) -> Returns:
    """For methods, whose indented source is read line by line; a bare `return` does not count."""
    counts = []
    for line in lines:
        text = line.strip()
        if "return " not in text or text.startswith(("#", "@", '"', "'")):
            continue
        counts.append(_size_of_text(text[text.index("return ") :]))
    return several((None,) * max(counts)) if counts else NOTHING


def _size_of_text(statement: str) -> int:
    try:
        body = ast.parse("def f():\n " + statement).body[0]
    except SyntaxError:
        return 1
    return _size(body.body[0].value) if isinstance(body.body[0], ast.Return) else 1


def _size(value: Optional[ast.AST]) -> int:
    if isinstance(value, (ast.Tuple, ast.List)) and value.elts:
        return len(value.elts)
    return 1
