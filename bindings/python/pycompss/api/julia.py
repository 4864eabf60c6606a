"""`@julia`: the task is a Julia script."""

from pycompss._core.program_decorator import ProgramDecorator


class Julia(ProgramDecorator):
    name = "@julia"
    kind = "julia"
    mandatory = ("script",)
    supported = ("executor", "args", "working_dir", "fail_by_exit_value", "computing_nodes")
    defaults = {"executor": "julia"}


julia = Julia
