"""Runs the program of a task, in its working directory and with its standard streams."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import Any, Dict, IO, List, Optional

from pycompss._core.sandbox import HOME
from pycompss.util.exceptions import PyCOMPSsException

#: What Open MPI asks of a container in which everything runs as root and cores are shared.
_MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


class Streams:
    """Paths for the standard streams of a program; None: those of the task."""

    def __init__(self, stdin: Optional[str] = None, stdout: Optional[str] = None, stderr: Optional[str] = None):
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        #: Directions INOUT, CONCURRENT and COMMUTATIVE add to what is there.
        self.append: List[str] = []

    def open(self, stack: contextlib.ExitStack) -> Dict[str, Any]:
        opened: Dict[str, Any] = {"stdin": subprocess.DEVNULL}
        if self.stdin is not None:
            opened["stdin"] = stack.enter_context(open(self.stdin, "rb"))
        for name in ("stdout", "stderr"):
            path = getattr(self, name)
            if path is not None:
                opened[name] = self._writer(stack, path)
        if self.stderr is not None and self.stderr == self.stdout:
            opened["stderr"] = subprocess.STDOUT
        return opened

    def _writer(self, stack: contextlib.ExitStack, path: str) -> IO[bytes]:
        return stack.enter_context(open(path, "ab" if path in self.append else "wb"))


def run_command(
    task: str,
    command: List[str],
    streams: Streams,
    working_dir: Optional[str] = None,
    environment: Optional[Dict[str, str]] = None,
) -> int:
    """The exit value; minus the number of the signal that ended it. A task that is cancelled takes its program along."""
    program = find_program(task, command[0], working_dir)
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        child = subprocess.Popen(
            [program, *command[1:]],
            cwd=working_dir,
            env={**_MPI_ENVIRONMENT, **os.environ, **(environment or {})},
            start_new_session=True,
            **streams.open(stack),
        )
        try:
            return child.wait()
        except BaseException:
            _end(child)
            raise


def find_program(task: str, name: str, working_dir: Optional[str]) -> str:
    """Absolute path, or the name for those on PATH. Says clearly when there is none."""
    if os.sep in name:
        path = name if working_dir is None else os.path.join(working_dir, name)
        for place in (path, os.path.join(HOME, name)):
            if os.access(place, os.X_OK):
                return os.path.abspath(place)
        reason = "it is not executable" if os.path.exists(path) else "there is no such file"
        raise PyCOMPSsException(f"{task}: the program {name} cannot be run: {reason}")
    found = shutil.which(name)
    if found is not None:
        return found
    local = os.path.join(working_dir or os.getcwd(), name)
    if os.access(local, os.X_OK) and not os.path.isdir(local):
        return os.path.abspath(local)
    path = os.environ.get("PATH", "")
    raise PyCOMPSsException(f"{task}: the program {name} is not installed here (looked in {path})")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """The program and whatever it has started: they are a session of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=1)
            if number == signal.SIGTERM:
                continue
            return
