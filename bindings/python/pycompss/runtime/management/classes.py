"""Classes of handles."""

from pycompss._core.futures import EmptyReturn, Future

__all__ = ["EmptyReturn", "Future"]
