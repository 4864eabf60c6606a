"""Data transformations: before a task is submitted, a task of its own (or a workflow) changes one of its arguments."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from pycompss._core.arguments import check_mandatory
from pycompss._core.declaration import Declaration
from pycompss._core.signature import BoundCall
from pycompss.util.exceptions import PyCOMPSsException

_MADE_FILES = (0, 4)
_MADE_DIRECTORIES = (5, 7)


class Transformation(NamedTuple):
    target: str
    function: Callable
    #: One of the constants; None: a value becomes a value.
    type: Optional[int]
    #: Path of what is made, where that is a file or directory.
    destination: str
    #: Elements of what is made, where that is a collection.
    size: Any
    #: The function submits tasks itself and is called by the program.
    is_workflow: bool
    arguments: Dict[str, Any]


def parse_transformation(name: str, args: Sequence[Any], kwargs: Dict[str, Any]) -> Transformation:
    given = dict(zip(("target", "function"), args))
    given.update(kwargs)
    check_mandatory(name, given, ("target", "function"))
    function = given.pop("function")
    if not callable(function):
        raise PyCOMPSsException(f"{name}: function must be a function, not {function!r}")
    kind = given.pop("type", None)
    size = given.pop("size", None)
    if kind == 2 and size is None:
        raise PyCOMPSsException(f"The argument size is mandatory in the {name} decorator.")
    return Transformation(
        target=str(given.pop("target")),
        function=function,
        type=None if kind is None else int(kind),
        destination=str(given.pop("destination", "dt_file_out")),
        size=size,
        is_workflow=bool(given.pop("is_workflow", False)),
        arguments=given,
    )


def transform(declaration: Declaration, bound: BoundCall, given: Any) -> None:
    """Puts the results into the arguments of the call."""
    every: List[Transformation] = list(declaration.parts.transformations or ())
    for one in given if isinstance(given, (list, tuple)) else [] if given is None else [given]:
        every.append(one.transformation)
    for one in every:
        where = bound.named if one.target in bound.named else bound.unknown
        if one.target not in where:
            raise PyCOMPSsException(f"@dt: {declaration.qualname} has no parameter {one.target!r}")
        where[one.target] = apply(one, where[one.target])


def apply(one: Transformation, value: Any) -> Any:
    made = one.destination if one.type in _MADE_FILES + _MADE_DIRECTORIES else None
    if one.is_workflow:
        result = one.function(value, **one.arguments) if made is None else one.function(value, made, **one.arguments)
        return result if made is None else made
    from pycompss._core import transformation_tasks as tasks

    run = tasks.BY_TYPE[one.type]
    if made is not None:
        run(one.function, value, made, one.arguments)
        return made
    if one.type == 2:
        return run(one.function, value, one.arguments, returns=int(one.size))
    return run(one.function, value, one.arguments)
