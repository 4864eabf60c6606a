"""`@container`: the program or function of the task runs inside a container."""

from typing import Any, Dict

from pycompss._core.decorator import Decorator
from pycompss.util.exceptions import NotInPyCOMPSsException, PyCOMPSsException

_ENGINES = ("DOCKER", "SINGULARITY", "UDOCKER", "PODMAN")


class Container(Decorator):
    name = "@container"
    mandatory = ("engine", "image")
    supported = ("options",)

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        given = super().accept(kwargs)
        if str(given["engine"]).upper() not in _ENGINES:
            raise PyCOMPSsException(f"@container: engine {given['engine']!r} is none of {', '.join(_ENGINES)}")
        return given

    def changes(self) -> Dict[str, Any]:
        return {"container": self.given, "outside": (NotInPyCOMPSsException, "@container needs the runtime")}


container = Container
