"""`@ompss`: the task is a program compiled with OmpSs."""

from pycompss._core.program_decorator import ProgramDecorator


class OmpSs(ProgramDecorator):
    name = "@ompss"
    kind = "ompss"
    mandatory = ("binary",)
    supported = ("computing_nodes", "working_dir", "fail_by_exit_value")


ompss = OmpSs
