"""Files of the program that tasks read and write."""

import io
import os
from typing import Any, Callable, List

from metakernel.link import Link
from pycompss.util.exceptions import PyCOMPSsException


def each_path(names: Any, what: str, apply: Callable[[str], Any]) -> Any:
    """`apply` of every path, in the structure of the names: a path, or nested lists and tuples of paths."""
    if isinstance(names, (str, os.PathLike)):
        return apply(os.fspath(names))
    if isinstance(names, (list, tuple)):
        return type(names)([each_path(one, what, apply) for one in names])
    raise PyCOMPSsException(f"{what}: a file name or a list of file names is needed, not {type(names).__name__}")


def all_paths(names: Any, what: str) -> List[str]:
    paths: List[str] = []
    each_path(names, what, paths.append)
    return paths


class _Announced(io.FileIO):
    """A file that the program writes: the tasks that follow are told when it is closed."""

    def __init__(self, path: str, mode: str, link: Link, name: str) -> None:
        self._link = link
        self._announce = name
        super().__init__(path, mode)

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        self._link.close_file(self._announce)


def real_mode(mode: str) -> str:
    """The mode of the operating system for one of `compss_open`: `c` and `cv` write beside others."""
    if mode.startswith("cv"):
        return "r+" + mode[2:].replace("+", "")
    if mode.startswith("c"):
        return "r+" + mode[1:].replace("+", "")
    return mode


def open_file(link: Link, name: str, mode: str) -> Any:
    path = link.open_file(name, mode)
    opened = real_mode(mode)
    if not any(letter in opened for letter in "wax+"):
        return open(path, opened)
    binary = "b" in opened
    raw = _Announced(path, opened.replace("b", "").replace("t", ""), link, name)
    buffered: Any = io.BufferedRandom(raw) if "+" in opened else io.BufferedWriter(raw)
    return buffered if binary else io.TextIOWrapper(buffered)
