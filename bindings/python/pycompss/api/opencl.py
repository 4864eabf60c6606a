"""`@opencl`: taken, and refused when it is called: there is nothing here that runs OpenCL kernels."""

from pycompss._core.program_decorator import ProgramDecorator


class OpenCL(ProgramDecorator):
    name = "@opencl"
    kind = "opencl"
    mandatory = ("kernel",)
    supported = ("working_dir",)


opencl = OpenCL
