"""PyCOMPSs programs on metakernel: the names that they import, over the runtime or as plain sequential code."""

__version__ = "3.3"
