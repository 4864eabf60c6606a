"""`@mpmd_mpi`: the task is several MPI programs that run as one."""

from typing import Any, Dict

from pycompss._core.arguments import check_mandatory
from pycompss._core.program_decorator import ProgramDecorator
from pycompss.util.exceptions import PyCOMPSsException


class MPMDMPI(ProgramDecorator):
    name = "@mpmd_mpi"
    kind = "mpmd_mpi"
    mandatory = ("runner",)
    supported = ("programs", "working_dir", "processes_per_node", "fail_by_exit_value")
    refused_outside = NotImplementedError

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        given = super().accept(kwargs)
        programs = given.get("programs")
        if not isinstance(programs, (list, tuple)) or not programs:
            raise PyCOMPSsException("@mpmd_mpi: programs is a list of dictionaries with binary, args and processes")
        for one in programs:
            check_mandatory("@mpmd_mpi programs", one, ("binary",))
        return given


mpmd_mpi = MPMDMPI
