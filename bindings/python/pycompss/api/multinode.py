"""`@multinode`: the task holds several nodes at once."""

from typing import Any, Dict

from pycompss._core.decorator import Decorator
from pycompss.util.exceptions import NotInPyCOMPSsException


class MultiNode(Decorator):
    name = "@multinode"
    supported = ("computing_nodes",)

    def changes(self) -> Dict[str, Any]:
        return {
            "computing_nodes": self.given.get("computing_nodes", 1),
            "outside": (NotInPyCOMPSsException, "@multinode needs the runtime"),
        }


multinode = MultiNode
