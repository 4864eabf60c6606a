"""Stands for a program outside: a task of an embedded agent that does what `RemoteLink` asks over a socket."""

import io
import pickle
import socket
from typing import Any, Dict, List, Sequence, Tuple

from metakernel import link as links
from pycompss._core import frames


def serve(path: str) -> int:
    """Until the program outside ends or goes away. Gives the number of requests."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    bridge = Bridge(links.current())
    served = 0
    with connection:
        while not bridge.finished:
            request = frames.receive(connection)
            if request is None:
                bridge.link.cancel_all("the program that submitted it has ended")
                break
            frames.send(connection, bridge.answer(request))
            served += 1
    return served


class Bridge:
    def __init__(self, link: Any) -> None:
        self.link = link
        self.finished = False
        #: By token; what is known by identity over there is known by identity here.
        self._objects: Dict[int, Any] = {}
        self._tokens: Dict[int, int] = {}

    def answer(self, request: bytes) -> bytes:
        try:
            method, arguments, released = self._unpickled(request)
            for datum in released:
                self._let_go(datum)
            own = getattr(self, f"_{method}", None)
            result = own(*arguments) if own is not None else getattr(self.link, method)(*arguments)
            if method == "submit":
                self.link.flush()
            return pickle.dumps((False, result), protocol=5)
        except Exception as error:
            return self._failure(error)

    def _failure(self, error: Exception) -> bytes:
        try:
            content = pickle.dumps((True, error), protocol=5)
            pickle.loads(content)
            return content
        except Exception:
            return pickle.dumps((True, RuntimeError(f"{type(error).__name__}: {error}")), protocol=5)

    def _unpickled(self, content: bytes) -> Any:
        unpickler = _Unpickler(io.BytesIO(content))
        unpickler.objects = self._objects
        return unpickler.load()

    def _submit(self, call: Any, fresh: Sequence[Tuple[int, bytes]], written: Sequence[int]) -> Any:
        """`fresh` came with the call, which names its objects by token: see `_Unpickler.persistent_load`."""
        for token, content in fresh:
            self._objects[token] = self._unpickled(content)
        for argument in call.arguments:
            argument.value = self._settled(argument.value)
        returns = self.link.submit(call)
        data = [self.link.datum_of(self._objects[token]) for token in written]
        self._tokens.update((datum, token) for datum, token in zip(data, written))
        return returns, data

    def _settled(self, value: Any) -> Any:
        """Names of objects that came with the same request are replaced by the objects; anything else stays what it is,
        since it may be known by identity."""
        if isinstance(value, _Named):
            return self._objects[value.token]
        if type(value) in (list, tuple):
            found = [self._settled(one) for one in value]
            same = all(new is old for new, old in zip(found, value))
            return value if same else type(value)(found)
        if type(value) is dict:
            pairs = {key: self._settled(one) for key, one in value.items()}
            return value if all(pairs[key] is value[key] for key in value) else pairs
        return value

    def _bind(self, token: int, datum: int) -> None:
        handle = self._objects[token] = _Handle()
        self._tokens[datum] = token
        self.link.bind(handle, datum)

    def _let_go(self, datum: int) -> None:
        token = self._tokens.pop(datum, None)
        if token is None:
            self.link.delete(datum)
        else:
            self.link.delete(self._objects.pop(token))

    def _finish(self) -> List[Any]:
        self.finished = True
        self.link.barrier()
        return []


class _Handle:
    """Stands here for an object that the program outside holds of a value."""


class _Named:
    __slots__ = ("token",)

    def __init__(self, token: int) -> None:
        self.token = token


class _Unpickler(pickle.Unpickler):
    objects: Dict[int, Any] = {}

    def persistent_load(self, name: Tuple[str, int]) -> Any:
        kind, number = name
        if kind == "future":
            future = links.Future.__new__(links.Future)
            future.datum = number
            # The program outside lets go of it, not the copies that requests bring.
            future._let_go = None
            return future
        return self.objects[number] if number in self.objects else _Named(number)
