"""The files of a program by path: what the runtime knows of each."""

import os

from metakernel import protocol
from metakernel.task_files import size_of


class FileState:
    __slots__ = ("path", "handle", "kind", "written", "tasks", "_had_folder")

    def __init__(self, path, handle, kind):
        self.path = path
        self.handle = handle
        self.kind = kind
        #: A task writes it, and its content has not been brought to the path since.
        self.written = False
        #: Submission indexes of the tasks that touch it.
        self.tasks = []
        self._had_folder = os.path.isdir(os.path.dirname(path))

    def given_up(self):
        """The program has removed the folder that it was to lie in."""
        return self._had_folder and not os.path.isdir(os.path.dirname(self.path))


class Files:
    """Files and directories that tasks of one program touch, and their declaration to the runtime."""

    def __init__(self, new_handle, declare):
        self._new_handle = new_handle
        self._declare = declare
        self._by_path = {}

    def known(self, path):
        return self._by_path.get(absolute(path))

    def need(self, path, kind):
        path = absolute(path)
        state = self._by_path.get(path)
        if state is None:
            state = self._by_path[path] = FileState(path, self._new_handle(), kind)
            self._declare(state.handle, protocol.KINDS.index(kind), path, content_of(path))
        return state

    def forget(self, state):
        self._by_path.pop(state.path, None)

    def written(self):
        return [state for state in self._by_path.values() if state.written]


def content_of(path):
    """(kind of content, length): what is at the path now."""
    if os.path.exists(path):
        return (protocol.DECLARED_PATH, size_of(path))
    return (protocol.DECLARED_NOTHING, 0)


def absolute(path):
    return os.path.abspath(os.fspath(path))
