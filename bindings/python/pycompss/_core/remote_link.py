"""The link of a process that no agent has started: a notebook, a prompt, a program that calls `compss_start`.

A task of an embedded agent stands for the process there (`bridge.py`) and submits what it is told. Objects are known by
identity here and by a token there: `_tokens` holds them, so that no address is used twice.
"""

import functools
import io
import os
import pickle
import socket
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Sequence, Tuple

from metakernel.link import COLLECTION, DICTIONARY, OBJECT, Future, Link
from pycompss._core import frames
from pycompss.util.exceptions import PyCOMPSsException

_PRIMITIVE = frozenset((bool, int, float, complex, str, bytes, type(None)))
_WRITING = frozenset(("OUT", "INOUT", "CONCURRENT", "COMMUTATIVE"))
_CONTAINERS = (list, tuple, set, frozenset, dict)


class _Known:
    __slots__ = ("value", "token", "datum", "pending")

    def __init__(self, value: Any, token: int) -> None:
        self.value = value
        self.token = token
        self.datum: Optional[int] = None
        self.pending = False


class RemoteLink(Link):
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._known: Dict[int, _Known] = {}
        self._next_token = 0
        #: Data that nobody here names any more; told with the next request.
        self.let_go: Deque[int] = deque()

    # ------------------------------------------------------------------------------------------ the wire

    def _ask(self, method: str, *arguments: Any) -> Any:
        released = []
        while self.let_go:
            released.append(self.let_go.popleft())
        frames.send(self._connection, self._pickled((method, arguments, released)))
        answer = frames.receive(self._connection)
        if answer is None:
            raise PyCOMPSsException("the embedded agent has ended")
        failed, content = pickle.loads(answer)
        if failed:
            raise content
        return content

    def _pickled(self, value: Any) -> bytes:
        content = io.BytesIO()
        pickler = _pickler_class()(content, 5)
        pickler.link = self
        pickler.dump(value)
        return content.getvalue()

    def close(self) -> None:
        self._connection.close()

    # ------------------------------------------------------------------------------------------ tasks

    def register(self, signature: str, implementations: Sequence[Any]) -> Any:
        return self._ask("register", signature, list(implementations))

    def submit(self, call: Any) -> List[int]:
        news: List[_Known] = []
        for argument in call.arguments:
            if argument.direction in _WRITING:
                self._find_written(argument.kind, argument.value, argument.depth, news)
        fresh = [(known.token, self._plain(known.value)) for known in news if known.datum is None]
        returns, data = self._ask("submit", call, fresh, [known.token for known in news])
        for known, datum in zip(news, data):
            known.datum = datum
            known.pending = True
        return returns

    def _find_written(self, kind: str, value: Any, depth: int, news: List[_Known]) -> None:
        if kind == OBJECT or (kind in (COLLECTION, DICTIONARY) and depth <= 0):
            self._note(value, news)
        elif kind in (COLLECTION, DICTIONARY):
            for one in value.values() if isinstance(value, dict) else value:
                inner = isinstance(one, _CONTAINERS) and depth > 1
                self._find_written(kind if inner else OBJECT, one, depth - 1, news)

    def _note(self, value: Any, news: List[_Known]) -> None:
        if type(value) in _PRIMITIVE or type(value) is Future:
            return
        known = self._known.get(id(value)) or self._track(value)
        if known not in news:
            news.append(known)

    def _track(self, value: Any) -> _Known:
        known = self._known[id(value)] = _Known(value, self._next_token)
        self._next_token += 1
        return known

    def _plain(self, value: Any) -> bytes:
        """The object itself; what it refers to may be known there already."""
        known = self._known.pop(id(value))
        try:
            return self._pickled(value)
        finally:
            self._known[id(value)] = known

    def bind(self, handle: Any, datum: int) -> None:
        if type(handle) is Future:
            handle.datum = datum
            handle._let_go = self.let_go
            return
        known = self._known.get(id(handle)) or self._track(handle)
        known.datum = datum
        known.pending = True
        self._ask("bind", known.token, datum)

    def datum_of(self, value: Any) -> Optional[int]:
        if type(value) is Future:
            return value.datum
        known = self._known.get(id(value))
        return None if known is None else known.datum

    def is_pending(self, value: Any) -> bool:
        if type(value) is Future:
            return True
        known = self._known.get(id(value))
        return known is not None and known.pending

    # ------------------------------------------------------------------------------------------ waiting and groups

    def wait(self, data: Sequence[int]) -> List[Any]:
        return self._ask("wait", list(data))

    def barrier(self) -> None:
        self._ask("barrier")

    def open_group(self, name: str) -> Any:
        return self._ask("open_group", name)

    def close_group(self, name: str) -> None:
        self._ask("close_group", name)

    def barrier_group(self, name: str) -> None:
        self._ask("barrier_group", name)

    def cancel_group(self, name: str) -> None:
        self._ask("cancel_group", name)

    def cancel_all(self, reason: str) -> None:
        self._ask("cancel_all", reason)

    # ------------------------------------------------------------------------------------------ data and files

    def delete(self, value: Any) -> bool:
        if type(value) is int:
            self.let_go.append(value)
            return True
        if type(value) is Future:
            if value._let_go is None:
                return False
            value._let_go = None
            self.let_go.append(value.datum)
            return True
        known = self._known.pop(id(value), None)
        if known is None or known.datum is None:
            return False
        self.let_go.append(known.datum)
        return True

    def forget_all(self) -> None:
        for known in list(self._known.values()):
            self.delete(known.value)

    def get_files(self, paths: Sequence[str]) -> List[str]:
        self._ask("get_files", _absolute(paths))
        return list(paths)

    def open_file(self, path: str, mode: str) -> str:
        return self._ask("open_file", *_absolute([path]), mode)

    def close_file(self, path: str) -> None:
        self._ask("close_file", *_absolute([path]))

    def file_exists(self, path: str) -> bool:
        return self._ask("file_exists", *_absolute([path]))

    def delete_file(self, path: str) -> bool:
        return self._ask("delete_file", *_absolute([path]))

    # ------------------------------------------------------------------------------------------ the rest

    def number_of_resources(self) -> int:
        return self._ask("number_of_resources")

    def request_resources(self, count: int, group: Optional[str] = None) -> None:
        self._ask("request_resources", count, group)

    def free_resources(self, count: int, group: Optional[str] = None) -> None:
        self._ask("free_resources", count, group)

    def task_info(self) -> None:
        """This is the main program."""
        return None

    def flush(self) -> None:
        self._ask("flush")

    def finish(self) -> None:
        """Ends the program over there, when its tasks have ended."""
        self._ask("finish")


def _absolute(paths: Sequence[str]) -> List[str]:
    return [os.path.abspath(path) for path in paths]


def _persistent_id(pickler: Any, value: Any) -> Optional[Tuple[str, int]]:
    kind = type(value)
    if kind in _PRIMITIVE:
        return None
    if kind is Future:
        return ("future", value.datum)
    known = pickler.link._known.get(id(value))
    return None if known is None else ("object", known.token)


def _base_pickler() -> Any:
    """cloudpickle's, where it is installed: functions and classes of a notebook travel by value."""
    try:
        from cloudpickle import Pickler
    except ImportError:
        return pickle.Pickler
    return Pickler


@functools.lru_cache(maxsize=1)
def _pickler_class() -> Any:
    return type("LinkPickler", (_base_pickler(),), {"persistent_id": _persistent_id, "link": None})
