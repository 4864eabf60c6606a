"""`@compss`: the task is a whole application of its own."""

from pycompss._core.program_decorator import ProgramDecorator


class COMPSs(ProgramDecorator):
    name = "@compss"
    kind = "compss"
    mandatory = ("app_name",)
    supported = ("runcompss", "flags", "worker_in_master", "computing_nodes", "working_dir", "fail_by_exit_value", "args")
    defaults = {"worker_in_master": "true"}


compss = COMPSs
