"""`@epilog`: a program that runs after the task, where the task runs."""

from typing import Any, Dict

from pycompss._core.arguments import fail_by_exit_value
from pycompss._core.decorator import Decorator


class Epilog(Decorator):
    name = "@epilog"
    mandatory = ("binary",)
    supported = ("args", "fail_by_exit_value")

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        given = super().accept(kwargs)
        value = fail_by_exit_value(self.name, given.get("fail_by_exit_value"), False)
        return {**given, "fail_by_exit_value": value}

    def changes(self) -> Dict[str, Any]:
        return {"epilog": self.given, "outside": (NotImplementedError, "@epilog needs the runtime")}


epilog = Epilog
