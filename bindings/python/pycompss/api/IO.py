"""`@IO`: the task waits for devices and takes no computing unit."""

from typing import Any, Dict

from pycompss._core.decorator import Decorator
from pycompss.util.exceptions import NotInPyCOMPSsException


class IO(Decorator):
    name = "@IO"

    def changes(self) -> Dict[str, Any]:
        return {"io": True, "outside": (NotInPyCOMPSsException, "@IO needs the runtime")}


io = IO
