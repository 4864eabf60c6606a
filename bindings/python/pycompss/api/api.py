"""The calls of the programming model. Outside the runtime they do what plain sequential code needs."""

import logging
import os
import signal
from typing import Any, Optional

from pycompss._core import context, files
from pycompss._core.groups import TaskGroup, barrier_group, raising_compss_exception
from pycompss._core.options import seconds
from pycompss._core.waiting import wait_on
from pycompss.util.exceptions import NotInPyCOMPSsException, PyCOMPSsException

__all__ = [
    "TaskGroup",
    "compss_add_logger",
    "compss_barrier",
    "compss_barrier_group",
    "compss_cancel_group",
    "compss_delete_file",
    "compss_delete_object",
    "compss_file_exists",
    "compss_free_resources",
    "compss_get_number_of_resources",
    "compss_open",
    "compss_request_resources",
    "compss_set_wall_clock",
    "compss_snapshot",
    "compss_start",
    "compss_stop",
    "compss_wait_on",
    "compss_wait_on_directory",
    "compss_wait_on_file",
]


def compss_start(
    log_level: str = "off", tracing: bool = False, interactive: bool = False, disable_external: bool = False
) -> None:
    """Starts the runtime for a program that was not started by it. Under the runtime: nothing to do."""
    if context.link() is None:
        from pycompss._core.embedded import start

        start(log_level=log_level)


def compss_stop(code: int = 0, _hard_stop: bool = False) -> None:
    """Ends what `compss_start` has started; a code other than 0 cancels what still runs."""
    link = context.link()
    if link is None:
        return
    if code != 0 or _hard_stop:
        link.cancel_all(f"the program stops with code {code}")
    from pycompss._core.embedded import stop

    stop()


# ---------------------------------------------------------------------------------------------- waiting


def compss_wait_on(*args: Any, **kwargs: Any) -> Any:
    """The values; a list for several objects. `mode` is taken and makes no difference: what comes is the caller's."""
    unknown = [name for name in kwargs if name != "mode"]
    if unknown:
        raise TypeError(f"compss_wait_on() got an unexpected keyword argument '{unknown[0]}'")
    link = context.link()
    if link is None:
        return args[0] if len(args) == 1 else list(args)
    with raising_compss_exception():
        values = wait_on(link, args)
    return values[0] if len(args) == 1 else values


def compss_wait_on_file(*names: Any) -> Any:
    """The names, when what tasks write to them is there."""
    return _wait_on_paths("compss_wait_on_file", names)


def compss_wait_on_directory(*names: Any) -> Any:
    return _wait_on_paths("compss_wait_on_directory", names)


def _wait_on_paths(what: str, names: Any) -> Any:
    paths = files.all_paths(names, what)
    link = context.link()
    if link is not None and paths:
        link.get_files(paths)
    return names[0] if len(names) == 1 else names


def compss_open(file_name: str, mode: str = "r") -> Any:
    """The current version of a file, opened."""
    link = context.link()
    if link is None:
        return open(file_name, files.real_mode(mode))
    return files.open_file(link, os.fspath(file_name), mode)


def compss_barrier(no_more_tasks: bool = False) -> None:
    link = context.link()
    if link is None:
        return
    link.barrier()
    if no_more_tasks:
        link.forget_all()


def compss_barrier_group(group_name: str) -> None:
    """Raises the `COMPSsException` that has ended the group."""
    link = context.link()
    if link is not None:
        barrier_group(link, group_name)


def compss_cancel_group(group_name: str) -> None:
    link = context.link()
    if link is not None:
        with raising_compss_exception():
            link.cancel_group(group_name)


# ---------------------------------------------------------------------------------------------- data


def compss_delete_object(*objs: Any) -> Any:
    """The objects are not used again. Does not look into collections. May be called at any moment."""
    link = context.link()
    results = []
    for one in objs:
        if link is not None:
            link.delete(one)
        results.append(True)
    return results[0] if len(results) == 1 else results


def compss_delete_file(*file_names: Any) -> Any:
    link = context.link()

    def delete(path: str) -> bool:
        if link is not None:
            link.delete_file(path)
        return True

    results = [files.each_path(one, "compss_delete_file", delete) for one in file_names]
    return results[0] if len(results) == 1 else results


def compss_file_exists(*file_names: Any) -> Any:
    """On disk, or known as a file that tasks write."""
    link = context.link()

    def exists(path: str) -> bool:
        return os.path.exists(path) or (link is not None and bool(link.file_exists(path)))

    results = [files.each_path(one, "compss_file_exists", exists) for one in file_names]
    return results[0] if len(results) == 1 else results


# ---------------------------------------------------------------------------------------------- resources


def compss_get_number_of_resources() -> int:
    link = context.link()
    return 1 if link is None else link.number_of_resources()


def compss_request_resources(num_resources: int, group_name: Optional[str]) -> None:
    link = context.link()
    if link is not None:
        link.request_resources(int(num_resources), group_name)


def compss_free_resources(num_resources: int, group_name: Optional[str]) -> None:
    link = context.link()
    if link is not None:
        link.free_resources(int(num_resources), group_name)


# ---------------------------------------------------------------------------------------------- the program itself


def compss_set_wall_clock(wall_clock_limit: int) -> None:
    """After so many seconds a `PyCOMPSsException` is raised in the main program."""
    if context.link() is None:
        return

    def out_of_time(number: int, frame: Any) -> None:
        raise PyCOMPSsException(f"the wall clock limit of {wall_clock_limit} s is reached")

    signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds(wall_clock_limit))


def compss_snapshot() -> None:
    """Everything submitted so far is in the hands of the runtime; what it has journalled survives it."""
    link = context.link()
    if link is not None:
        link.flush()


def compss_add_logger(logger_name: str) -> None:
    """The records of a logger go where those of the runtime go: to the standard error of the program or task."""
    if context.link() is None:
        raise NotInPyCOMPSsException(f"compss_add_logger({logger_name!r}) needs the runtime")
    logger = logging.getLogger(logger_name)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
