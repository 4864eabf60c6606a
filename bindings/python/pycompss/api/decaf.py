"""`@decaf`: the task is a Decaf workflow, started by the MPI runner."""

from pycompss._core.program_decorator import ProgramDecorator


class Decaf(ProgramDecorator):
    name = "@decaf"
    kind = "decaf"
    mandatory = ("df_script",)
    supported = ("df_executor", "df_lib", "runner", "computing_nodes", "working_dir", "fail_by_exit_value")
    defaults = {"runner": "mpirun"}


decaf = Decaf
