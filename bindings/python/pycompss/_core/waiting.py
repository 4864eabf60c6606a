"""What `compss_wait_on` does: finds what is not there yet, waits once for all of it, puts it in its places."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from metakernel.errors import TaskError
from metakernel.link import NOTHING, Link
from pycompss._core import context
from pycompss._core.expected_failures import expected
from pycompss._core.futures import EmptyReturn, Future
from pycompss._core.warnings import warn

#: After this a value is None for the program: its task was cancelled, or depends on one whose failure only cancels.
_CANCELLED = "ERR_TASK_CANCELLED"


class Waiting:
    """One wait for any number of objects; the same object twice is waited for once."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._data: List[int] = []
        #: Position in `_data` by id; the objects are held, so that no id is used again meanwhile.
        self._places: Dict[int, int] = {}
        self._held: List[Any] = []
        self._values: Sequence[Any] = ()

    def look(self, value: Any) -> None:
        if id(value) in self._places:
            return
        datum = self._datum(value)
        if datum is not None:
            self._places[id(value)] = len(self._data)
            self._held.append(value)
            self._data.append(datum)
        elif isinstance(value, list):
            for one in value:
                self.look(one)
        elif isinstance(value, dict):
            for key, one in value.items():
                self.look(key)
                self.look(one)

    def _datum(self, value: Any) -> Optional[int]:
        if isinstance(value, Future):
            return self._link.datum_of(value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return None
        return self._link.datum_of(value) if self._link.is_pending(value) else None

    def wait(self) -> None:
        if not self._data:
            return
        try:
            self._values = self._link.wait(self._data)
        except TaskError as error:
            if error.code != _CANCELLED and not any(expected(self._link, datum) for datum in self._data):
                raise
            self._values = [self._wait_for_one(datum) for datum in self._data]
        for value in self._held:
            if not isinstance(value, Future):
                self._link.delete(value)

    def _wait_for_one(self, datum: int) -> Any:
        try:
            return self._link.wait([datum])[0]
        except TaskError as error:
            if error.code == _CANCELLED or expected(self._link, datum):
                return NOTHING
            raise

    def put_in(self, value: Any) -> Any:
        """The value with what has come; containers in which nothing was waited for stay the objects that they are."""
        place = self._places.get(id(value))
        if place is not None:
            return self._brought(self._values[place])
        if isinstance(value, list):
            return self._list(value)
        if isinstance(value, dict):
            return self._dict(value)
        return value

    def _brought(self, value: Any) -> Any:
        if value is NOTHING:
            warn("compss_wait_on: the task that gives this value was ignored or cancelled: None is given")
            return None
        return value

    def _list(self, values: List[Any]) -> List[Any]:
        found = [self.put_in(one) for one in values]
        if all(new is old for new, old in zip(found, values)):
            return values
        return [one for one in found if not isinstance(one, EmptyReturn) and one is not EmptyReturn]

    def _dict(self, values: Dict[Any, Any]) -> Dict[Any, Any]:
        found = {self.put_in(key): self.put_in(one) for key, one in values.items()}
        pairs: List[Tuple[Any, Any]] = list(values.items())
        same = all(key is old and one is value for (key, one), (old, value) in zip(found.items(), pairs))
        return values if same and len(found) == len(pairs) else found


def wait_on(link: Link, objects: Sequence[Any]) -> List[Any]:
    waiting = Waiting(link)
    for value in objects:
        waiting.look(value)
    with context.lock:
        waiting.wait()
    return [waiting.put_in(value) for value in objects]
