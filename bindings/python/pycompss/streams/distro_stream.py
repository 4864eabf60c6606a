"""Streams between tasks that run at the same time: what one publishes the others poll.

A stream is a directory that its users share: on one host, or on a shared file system named in METAKERNEL_STREAMS. A message
is a file with a name that sorts by time; taking one is renaming it, so that each goes to one consumer.
"""

import atexit
import contextlib
import itertools
import os
import pickle
import shutil
import socket
import tempfile
import time
import uuid
from typing import Any, Iterable, List, Optional

from pycompss._core import context

AT_MOST_ONCE = "AT_MOST_ONCE"
AT_LEAST_ONCE = "AT_LEAST_ONCE"
EXACTLY_ONCE = "EXACTLY_ONCE"

_LOOK_SECONDS = 0.005
_counter = itertools.count()


#: Name of the file that says whose a stream is: ``host pid``.
_OWNER = ".owner"


def _streams_directory() -> str:
    path = os.environ.get("METAKERNEL_STREAMS") or os.path.join(tempfile.gettempdir(), f"pycompss-streams-{os.getuid()}")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def _owner() -> str:
    """A program without a runtime is the owner of its streams; what its tasks make belongs to the agent of their node."""
    pid = os.getpid() if context.link() is None else os.getppid()
    return f"{socket.gethostname()} {pid}"


def _remove_left(directory: str) -> None:
    """Streams of programs and agents of this host that have ended in a hurry."""
    for name in os.listdir(directory):
        try:
            with open(os.path.join(directory, name, _OWNER), encoding="utf-8") as file:
                host, _, pid = file.read().partition(" ")
        except OSError:
            continue
        if host == socket.gethostname() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(os.path.join(directory, name), ignore_errors=True)


def _make_folder() -> str:
    """A new one, gone when this program ends, or else found by the next that makes one."""
    directory = _streams_directory()
    _remove_left(directory)
    folder = os.path.join(directory, uuid.uuid4().hex)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, _OWNER), "w", encoding="utf-8") as file:
        file.write(_owner())
    atexit.register(_remove, folder)
    return folder


def _remove(folder: str) -> None:
    """The folder, and the one around it where it was the last."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(folder))


class DistroStream:
    """Passed to a task it stays the same stream: only its name travels."""

    def __init__(self, alias: Optional[str] = None, access_mode: str = AT_MOST_ONCE, folder: Optional[str] = None) -> None:
        if folder is None:
            folder = _make_folder() if alias is None else os.path.join(_streams_directory(), alias)
        self.id = alias or os.path.basename(folder)
        self.access_mode = access_mode
        self.folder = folder
        os.makedirs(self.folder, exist_ok=True)

    def __reduce__(self):
        return (type(self), (self.id, self.access_mode, self.folder))

    def get_stream_id(self) -> str:
        return self.id

    def publish(self, message: Any) -> None:
        if self.is_closed():
            raise ValueError(f"the stream {self.id} is closed")
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(_counter)}"
        temporary = os.path.join(self.folder, f".{name}")
        with open(temporary, "wb") as file:
            pickle.dump(message, file, protocol=5)
        os.rename(temporary, os.path.join(self.folder, f"{name}.message"))

    def publish_list(self, messages: Iterable[Any]) -> None:
        for message in messages:
            self.publish(message)

    def poll(self, timeout: Optional[float] = None) -> List[Any]:
        """What has been published and nobody has taken; waits up to `timeout` seconds for the first."""
        end = time.monotonic() + (timeout or 0)
        while True:
            found = self._take()
            if found or time.monotonic() >= end or self.is_closed():
                return found or self._take()
            time.sleep(_LOOK_SECONDS)

    def _take(self) -> List[Any]:
        messages = []
        for name in sorted(os.listdir(self.folder)):
            if not name.endswith(".message"):
                continue
            taken = os.path.join(self.folder, f".{name}-{os.getpid()}-{next(_counter)}")
            try:
                os.rename(os.path.join(self.folder, name), taken)
            except FileNotFoundError:
                continue  # another consumer was quicker
            with open(taken, "rb") as file:
                messages.append(pickle.load(file))
            os.unlink(taken)
        return messages

    def close(self) -> None:
        """No more is published. What lies there can still be polled."""
        with open(os.path.join(self.folder, ".closed"), "wb"):
            return

    def is_closed(self) -> bool:
        return os.path.exists(os.path.join(self.folder, ".closed"))


class ObjectDistroStream(DistroStream):
    """Messages are any objects."""


class PscoDistroStream(DistroStream):
    """Persistent objects travel by value here: there is no storage to refer to."""


class FileDistroStream(DistroStream):
    """Messages are the paths of files that appear in `base_dir`; each path is given once."""

    def __init__(
        self,
        alias: Optional[str] = None,
        base_dir: Optional[str] = None,
        access_mode: str = AT_MOST_ONCE,
        folder: Optional[str] = None,
    ) -> None:
        super().__init__(alias, access_mode, folder)
        if base_dir is None:
            raise ValueError("a FileDistroStream needs base_dir")
        self.base_dir = os.path.abspath(base_dir)

    def __reduce__(self):
        return (FileDistroStream, (self.id, self.base_dir, self.access_mode, self.folder))

    def publish(self, message: Any) -> None:
        """The path of a file outside `base_dir`, or of one inside that is to be given again."""
        super().publish(os.path.abspath(message))

    def _take(self) -> List[Any]:
        found = super()._take()
        for name in sorted(os.listdir(self.base_dir)):
            path = os.path.join(self.base_dir, name)
            if name.startswith(".") or not os.path.isfile(path):
                continue
            try:
                os.close(os.open(os.path.join(self.folder, f".seen-{name}"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                continue
            found.append(path)
        return found
