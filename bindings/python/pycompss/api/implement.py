"""`@implement`: the task below is another way to run a task that is declared elsewhere."""

from typing import Any, Dict

from pycompss._core.decorator import Decorator
from pycompss.util.exceptions import NotInPyCOMPSsException


class Implement(Decorator):
    name = "@implement"
    mandatory = ("source_class", "method")

    def changes(self) -> Dict[str, Any]:
        return {
            "implements": (str(self.given["source_class"]), str(self.given["method"])),
            "outside": (NotInPyCOMPSsException, "@implement needs the runtime"),
        }


implement = Implement
