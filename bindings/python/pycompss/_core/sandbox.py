"""The directory in which a program of a task runs, with the files of no other task in it."""

import contextlib
import os
import shutil
import tempfile
from typing import Iterator

from pycompss._core import context

#: Where the process was started: programs named by a relative path are looked for there too.
HOME = os.getcwd()


@contextlib.contextmanager
def sandbox() -> Iterator[str]:
    """The process is in it meanwhile. That of the runtime where it has made one for the task, else one that is gone
    afterwards."""
    before = os.getcwd()
    link = context.link()
    info = None if link is None else link.task_info()
    given = None if info is None else info.working_dir
    if given and os.path.realpath(given) != os.path.realpath(before) and os.path.isdir(given):
        os.chdir(given)
        try:
            yield given
        finally:
            os.chdir(before)
        return
    made = tempfile.mkdtemp(prefix="task-")
    os.chdir(made)
    try:
        yield made
    finally:
        os.chdir(before)
        shutil.rmtree(made, ignore_errors=True)
