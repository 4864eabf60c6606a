"""Distributed data sets: partitions that tasks make and change, in the manner of Spark."""

from pycompss.dds.dds import DDS

__all__ = ["DDS"]
