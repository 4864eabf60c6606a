"""The common shape of the decorators that put a program in the place of the task's function."""

from typing import Any, Dict, Optional, Tuple

from pycompss._core.arguments import fail_by_exit_value
from pycompss._core.decorator import Decorator
from pycompss._core.parts import Program
from pycompss.util.exceptions import NotInPyCOMPSsException


class ProgramDecorator(Decorator):
    kind = ""
    #: Class of what a call raises outside the runtime; None: the program runs there too.
    refused_outside: Optional[type] = NotInPyCOMPSsException
    #: Whether settings that are not given have to be there, and as what.
    defaults: Dict[str, Any] = {}

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        given = {**self.defaults, **super().accept(kwargs)}
        if "fail_by_exit_value" in given:
            given["fail_by_exit_value"] = fail_by_exit_value(self.name, given["fail_by_exit_value"], True)
        return given

    def changes(self) -> Dict[str, Any]:
        changes: Dict[str, Any] = {"program": Program(self.kind, self.given)}
        if "computing_nodes" in self.given:
            changes["computing_nodes"] = self.given["computing_nodes"]
        if "processes_per_node" in self.given:
            changes["processes_per_node"] = self.given["processes_per_node"]
        if self.refused_outside is not None:
            changes["outside"] = self._refusal(self.refused_outside)
        return changes

    def _refusal(self, error: type) -> Tuple[type, str]:
        return error, f"{self.name} needs the runtime"
