"""`@constraint`: what a node must have to run the task."""

from typing import Any, Dict

from pycompss._core.constraints import check_constraints
from pycompss._core.decorator import Decorator


class Constraint(Decorator):
    name = "@constraint"

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        return check_constraints(kwargs)

    def changes(self) -> Dict[str, Any]:
        return {"constraints": self.given}


constraint = Constraint
