"""The runtime in a notebook: `import pycompss.interactive as ipycompss; ipycompss.start()`.

Cells submit tasks to an agent that lives as long as the notebook. Graphs and tables show themselves in notebooks (SVG, HTML)
and print as text elsewhere.
"""

import atexit
import json
import time
from typing import Any, Dict, List, Optional

from pycompss._core import context, embedded
from pycompss._core.display import Picture, Table
from pycompss._core.graph_picture import graph_svg, unfinished
from pycompss._core.waiting import wait_on
from pycompss._core.warnings import warn

#: What `start` takes beside what it uses; the agent has no use for them.
_IGNORED = frozenset(
    "o_c debug graph trace monitor summary task_execution storage_impl storage_conf streaming_backend "
    "streaming_master_name streaming_master_port task_count app_name uuid base_log_dir specific_log_dir extrae_cfg comm "
    "conn master_name master_port scheduler_config python_interpreter python_version python_virtual_environment "
    "propagate_virtual_environment mpi_worker worker_cache shutdown_in_node_failure io_executors env_script "
    "reuse_on_block nested_enabled tracing_task_dependencies trace_label extrae_cfg_python wcl cache_profiler ear "
    "data_provenance checkpoint_policy checkpoint_params checkpoint_folder verbose disable_external lang jvm_workers "
    "cpu_affinity gpu_affinity fpga_affinity fpga_reprogram profile_input profile_output external_adaptation "
    "gen_coredump keep_workingdir project_xml resources_xml external_debug".split()
)


def start(log_level: str = "off", scheduler: str = "", log_dir: str = "", cpus: int = 0, **others: Any) -> None:
    """Starts the agent. Starting again while it runs does nothing."""
    unknown = sorted(name for name in others if name not in _IGNORED)
    if unknown:
        raise TypeError(f"start() got unexpected keyword argument(s): {', '.join(unknown)}")
    if context.link() is not None:
        warn("the runtime is already running")
        return
    from pycompss._core.launch import policy_of

    options: List[str] = []
    policy = policy_of(scheduler)
    if policy:
        options.append(f"--scheduler={policy}")
    if log_dir:
        options.append(f"--log-dir={log_dir}")
    if cpus:
        options.append(f"--cpus={cpus}")
    embedded.start("debug" if others.get("debug") else log_level, options)


def stop(sync: bool = False, _hard_stop: bool = False) -> None:
    """`sync`: every future among the notebook's variables is replaced by its value first."""
    found = embedded.current()
    if found is None:
        return
    if sync:
        _bring_variables(found)
    if _hard_stop:
        found.link.cancel_all("the notebook stops at once")
    embedded.stop(wait=not _hard_stop)


def _bring_variables(found: embedded.Embedded) -> None:
    import __main__

    names = [name for name in vars(__main__) if not name.startswith("_")]
    values = wait_on(found.link, [vars(__main__)[name] for name in names])
    vars(__main__).update(zip(names, values))


atexit.register(embedded.stop)


# ---------------------------------------------------------------------------------------------- seeing it


def _running() -> embedded.Embedded:
    found = embedded.current()
    if found is None:
        raise RuntimeError("the runtime is not running: call start() first")
    return found


def current_task_graph(fit: bool = False, refresh_rate: int = 1, timeout: int = 0, widget: Any = None) -> Any:
    """The tasks that have not ended, and what they depend on."""
    return _watched(lambda: _current(_running()), refresh_rate, timeout, widget)


def complete_task_graph(fit: bool = False, refresh_rate: int = 1, timeout: int = 0, widget: Any = None) -> Any:
    return _watched(lambda: _complete(_running()), refresh_rate, timeout, widget)


def _complete(found: embedded.Embedded) -> Picture:
    graph = json.loads(found.graph("json"))
    return Picture(found.graph("svg"), f"{len(graph['tasks'])} tasks")


def _current(found: embedded.Embedded) -> Picture:
    graph = unfinished(json.loads(found.graph("json")))
    return Picture(graph_svg(graph), f"{len(graph['tasks'])} tasks that have not ended")


def tasks_info() -> Table:
    """Number of tasks and of failures by name."""
    rows: Dict[str, List[Any]] = {}
    for task in _tasks():
        row = rows.setdefault(str(task["signature"]), [0, 0, 0])
        row[0] += 1
        row[1] += task.get("status") == "completed"
        row[2] += task.get("status") == "failed"
    return Table(["Task", "Submitted", "Completed", "Failed"], [[name, *row] for name, row in sorted(rows.items())])


def tasks_status() -> Table:
    counts = _running().status()["tasks"]
    return Table(["Status", "Tasks"], [[name, count] for name, count in counts.items()])


def statistics() -> Table:
    status = _running().status()
    rows = [[f"completed on {node}", count] for node, count in status.get("completedByNode", {}).items()]
    return Table(["Statistic", "Value"], [["application", status["appId"]], ["status", status["status"]], *rows])


def resources_status() -> Table:
    rows = []
    for node in _nodes(_running().request("/COMPSs/resources")):
        rows.append([node.get("name", ""), node.get("state", node.get("status", "")), json.dumps(node)[:200]])
    return Table(["Node", "State", "Description"], rows)


def monitoring_information() -> str:
    return _running().text("/metrics")


def _tasks() -> List[Dict[str, Any]]:
    return list(json.loads(_running().graph("json")).get("tasks", []))


def _nodes(content: Any) -> List[Dict[str, Any]]:
    if isinstance(content, list):
        return content
    for value in content.values():
        if isinstance(value, list):
            return value
    return [content]


def _watched(make: Any, refresh_rate: int, timeout: int, widget: Any) -> Any:
    """Once; with a time-out, again and again in the same place of the notebook until it has passed."""
    picture = make()
    if widget is not None:
        widget.value = picture._repr_svg_()
    if timeout <= 0:
        return picture
    shown = _display(picture)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        time.sleep(min(max(refresh_rate, 0.1), max(0.0, end - time.monotonic())))
        picture = make()
        if shown is not None:
            shown.update(picture)
    return picture


def _display(picture: Picture) -> Optional[Any]:
    try:
        from IPython.display import display
    except ImportError:
        return None
    return display(picture, display_id=True)
