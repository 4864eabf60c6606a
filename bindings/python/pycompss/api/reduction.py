"""`@reduction`: the task is split into a tree of tasks over chunks of its collection."""

from typing import Any, Dict

from pycompss._core.decorator import Decorator
from pycompss._core.numbers import variable_name
from pycompss.util.exceptions import PyCOMPSsException


class Reduction(Decorator):
    name = "@reduction"
    supported = ("chunk_size", "is_reduce")

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        given = super().accept(kwargs)
        chunk = given.setdefault("chunk_size", 0)
        is_text = isinstance(chunk, str) and (chunk.strip().isdigit() or variable_name(chunk) is not None)
        if isinstance(chunk, bool) or not (isinstance(chunk, int) or is_text):
            raise PyCOMPSsException(f"@reduction: chunk_size={chunk!r} is neither a count nor a variable")
        return given

    def changes(self) -> Dict[str, Any]:
        return {"chunk_size": self.given["chunk_size"], "is_reduce": bool(self.given.get("is_reduce", True))}


reduction = Reduction
