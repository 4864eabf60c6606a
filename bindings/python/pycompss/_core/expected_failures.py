"""Data of tasks whose failure only cancels their successors: the program gets None for them, and goes on."""

from typing import Any, Sequence, Set
from weakref import WeakKeyDictionary

from metakernel.link import OBJECT, Call, Link

_data: "WeakKeyDictionary[Link, Set[int]]" = WeakKeyDictionary()
_WRITING = frozenset(("OUT", "INOUT", "CONCURRENT", "COMMUTATIVE"))


def note(link: Link, call: Call, returns: Sequence[int]) -> None:
    """After the submission, when what it writes has a name."""
    known = _data.setdefault(link, set())
    known.update(returns)
    for argument in call.arguments:
        if argument.direction in _WRITING and argument.kind == OBJECT:
            datum: Any = link.datum_of(argument.value)
            if datum is not None:
                known.add(datum)


def expected(link: Link, datum: int) -> bool:
    return datum in _data.get(link, ())
