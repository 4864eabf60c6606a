"""The calls of the programming model as plain sequential code."""

import os
from typing import Any, Optional

from pycompss._core.files import all_paths, each_path, real_mode


def compss_start(log_level: str = "off", tracing: bool = False, interactive: bool = False, **_: Any) -> None:
    """Nothing to start."""


def compss_stop(code: int = 0, _hard_stop: bool = False) -> None:
    """Nothing to stop."""


def compss_file_exists(*file_names: Any) -> Any:
    return _each(file_names, "compss_file_exists", os.path.exists)


def compss_open(file_name: str, mode: str = "r") -> Any:
    return open(file_name, real_mode(mode))


def compss_delete_file(*file_names: Any) -> Any:
    return _each(file_names, "compss_delete_file", lambda path: True)


def compss_wait_on_file(*file_names: Any) -> Any:
    all_paths(file_names, "compss_wait_on_file")
    return file_names[0] if len(file_names) == 1 else file_names


def compss_wait_on_directory(*names: Any) -> Any:
    all_paths(names, "compss_wait_on_directory")
    return names[0] if len(names) == 1 else names


def compss_delete_object(*objs: Any) -> Any:
    return True if len(objs) == 1 else [True for _ in objs]


def compss_barrier(no_more_tasks: bool = False) -> None:
    """Nothing runs."""


def compss_barrier_group(group_name: str) -> None:
    """Nothing runs."""


def compss_cancel_group(group_name: str) -> None:
    """Nothing runs."""


def compss_snapshot() -> None:
    """There is nothing to keep."""


def compss_wait_on(*args: Any, **kwargs: Any) -> Any:
    return args[0] if len(args) == 1 else list(args)


def compss_get_number_of_resources() -> int:
    return 1


def compss_request_resources(num_resources: int, group_name: Optional[str]) -> None:
    """There is one."""


def compss_free_resources(num_resources: int, group_name: Optional[str]) -> None:
    """There is one."""


def compss_set_wall_clock(wall_clock_limit: int) -> None:
    """No limit."""


class TaskGroup:
    def __init__(self, group_name: str, implicit_barrier: bool = True) -> None:
        self.group_name = group_name

    def __enter__(self) -> "TaskGroup":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Nothing to wait for."""


def _each(names: Any, what: str, apply: Any) -> Any:
    results = [each_path(one, what, apply) for one in names]
    return results[0] if len(results) == 1 else results
