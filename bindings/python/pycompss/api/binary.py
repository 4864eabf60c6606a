"""`@binary`: the task is a program; its parameters are the arguments."""

from pycompss._core.program_decorator import ProgramDecorator


class Binary(ProgramDecorator):
    name = "@binary"
    kind = "binary"
    mandatory = ("binary",)
    supported = ("working_dir", "args", "fail_by_exit_value")
    refused_outside = None


binary = Binary
