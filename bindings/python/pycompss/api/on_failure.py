"""`@on_failure`: what happens after a failure of the task, and what its outputs are then."""

from typing import Any, Dict

from pycompss._core.decorator import Decorator
from pycompss._core.options import check_on_failure


class OnFailure(Decorator):
    name = "@on_failure"
    mandatory = ("management",)

    def accept(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        check_on_failure(kwargs["management"])
        return dict(kwargs)

    def changes(self) -> Dict[str, Any]:
        defaults = {name: value for name, value in self.given.items() if name != "management"}
        return {"on_failure": self.given["management"], "defaults": defaults}


on_failure = OnFailure
onFailure = OnFailure  # noqa: N816  (spelling of earlier versions)
