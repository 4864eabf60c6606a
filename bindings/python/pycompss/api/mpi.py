"""`@mpi`: the task is an MPI program, or its function run by every process of one."""

from typing import Any, Dict

from pycompss._core.arguments import true_or_false
from pycompss._core.program_decorator import ProgramDecorator
from pycompss.util.exceptions import PyCOMPSsException

_LAYOUT_KEYS = ("block_count", "block_length", "stride")


class Mpi(ProgramDecorator):
    name = "@mpi"
    kind = "mpi"
    mandatory = ("runner",)
    supported = (
        "binary",
        "processes",
        "processes_per_node",
        "flags",
        "scale_by_cu",
        "args",
        "working_dir",
        "fail_by_exit_value",
        "computing_nodes",
    )
    refused_outside = None

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        layouts = {name: value for name, value in kwargs.items() if name.endswith("_layout")}
        given = super().accept({name: value for name, value in kwargs.items() if name not in layouts})
        for name, value in layouts.items():
            if not isinstance(value, dict) or any(key not in _LAYOUT_KEYS for key in value):
                raise PyCOMPSsException(f"@mpi: {name} is a dictionary of {', '.join(_LAYOUT_KEYS)}")
        if "scale_by_cu" in given:
            given["scale_by_cu"] = true_or_false(self.name, "scale_by_cu", given["scale_by_cu"], False)
        return {**given, **layouts}


mpi = Mpi
