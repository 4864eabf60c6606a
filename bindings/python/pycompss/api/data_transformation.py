"""`@data_transformation` (`@dt`): a parameter goes through a function before the task gets it."""

from typing import Any, Dict

from pycompss._core.decorator import Decorator
from pycompss._core.transformations import Transformation, parse_transformation

OBJECT_TO_FILE = 0
FILE_TO_OBJECT = 1
FILE_TO_COLLECTION = 2
COLLECTION_TO_OBJECT = 3
COLLECTION_TO_FILE = 4
OBJECT_TO_DIRECTORY = 5
DIRECTORY_TO_OBJECT = 6
COLLECTION_TO_DIRECTORY = 7


class DTObject:
    """A transformation as a value: `f(x, dt=dto("x", function))`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.transformation: Transformation = parse_transformation("dto", args, kwargs)


class DataTransformation(Decorator):
    """Without arguments it only lets calls bring their own with `dt=`."""

    name = "@data_transformation"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.given: Dict[str, Any] = {}
        self.transformations = (parse_transformation(self.name, args, kwargs),) if args or kwargs else ()

    def changes(self) -> Dict[str, Any]:
        return {
            "transformations": self.transformations,
            "outside": (NotImplementedError, "@data_transformation needs the runtime"),
        }


data_transformation = DataTransformation
dt = DataTransformation
dto = DTObject
