"""The common shape of the decorators that stand above `@task`."""

import functools
import threading
from typing import Any, Callable, Dict, List, Optional, Tuple

from pycompss._core.arguments import check_mandatory, replace_deprecated, warn_unexpected
from pycompss._core.declaration import Declaration, declaration_of, own_declaration


class Decorator:
    """Adds what it was given to the task below it. Works also when decorators of the user's lie between."""

    name = "@decorator"
    mandatory: Tuple[str, ...] = ()
    supported: Tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_mandatory(self.name, kwargs, self.mandatory)
        kwargs = replace_deprecated(self.name, kwargs)
        self.given = self.accept(kwargs)

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        """The known arguments; others are warned of."""
        known = self.mandatory + self.supported
        warn_unexpected(self.name, kwargs, known)
        return {name: value for name, value in kwargs.items() if name in known}

    def changes(self) -> Dict[str, Any]:
        """What it changes of the `Parts` of the task."""
        raise NotImplementedError

    def __call__(self, function: Callable) -> Callable:
        own = own_declaration(function)
        if own is not None:
            return own.with_parts(self.changes()).make_callable()
        return self._around(function)

    def _around(self, function: Callable) -> Callable:
        """For a task with decorators of the user's around it: says it to the task at each call."""
        target = declaration_of(function)
        changes = self.changes()

        @functools.wraps(function)
        def passing_on(*args: Any, **kwargs: Any) -> Any:
            _pending.push(target, changes)
            try:
                return function(*args, **kwargs)
            finally:
                _pending.drop(changes)

        return passing_on


class _Pending(threading.local):
    """Changes on their way down through the user's decorators, in this thread."""

    def __init__(self) -> None:
        self.entries: List[Tuple[Optional[Declaration], Dict[str, Any]]] = []

    def push(self, target: Optional[Declaration], changes: Dict[str, Any]) -> None:
        self.entries.append((target, changes))

    def drop(self, changes: Dict[str, Any]) -> None:
        self.entries = [entry for entry in self.entries if entry[1] is not changes]

    def take(self, declaration: Declaration) -> List[Dict[str, Any]]:
        """Innermost first. A decorator above nothing that is known as a task speaks to the first one that is called."""
        function = declaration.function
        mine = [one for one in self.entries if one[0] is None or one[0].function is function]
        if mine:
            self.entries = [one for one in self.entries if one not in mine]
        return [changes for _, changes in reversed(mine)]


_pending = _Pending()
_extended: Dict[Tuple[int, Tuple[int, ...]], Tuple[Declaration, Any]] = {}


def effective(declaration: Declaration) -> Declaration:
    """The declaration with what decorators further out have just said to it."""
    if not _pending.entries:
        return declaration
    every = _pending.take(declaration)
    if not every:
        return declaration
    key = (id(declaration), tuple(id(changes) for changes in every))
    known = _extended.get(key)
    if known is None:
        extended = declaration
        for changes in every:
            extended = extended.with_parts(changes)
        extended.callable = declaration.callable
        # The tuple keeps the changes alive: their ids are the key.
        known = _extended[key] = (extended, (declaration, every))
    return known[0]
