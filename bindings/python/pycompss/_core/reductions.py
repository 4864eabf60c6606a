"""Reductions split into a tree: chunks of the collection, then chunks of their results, until one is left."""

from typing import Any, List

from metakernel.link import Link
from pycompss._core.declaration import Declaration
from pycompss._core.returns import Returns
from pycompss._core.signature import BoundCall
from pycompss._core.spec import COLLECTION, IN, IN_DELETE
from pycompss._core.submission import submit_bound
from pycompss.util.exceptions import PyCOMPSsException


def submit_reduction(declaration: Declaration, link: Link, bound: BoundCall, returns: Returns) -> Any:
    chunk = declaration.chunk_size()
    name = reduced_parameter(declaration)
    values = list(bound.named[name])
    if chunk < 2 or len(values) <= chunk:
        return submit_bound(declaration, link, bound, returns)
    if returns.count != 1:
        raise PyCOMPSsException(f"@reduction: {declaration.qualname} must return one value, not {returns.count}")
    while len(values) > chunk:
        values = _layer(declaration, link, bound, returns, name, values, chunk)
    return _reduce(declaration, link, bound, returns, name, values)


def _layer(
    declaration: Declaration, link: Link, bound: BoundCall, returns: Returns, name: str, values: List[Any], chunk: int
) -> List[Any]:
    """A single value at the end goes up as it is."""
    results = []
    for start in range(0, len(values), chunk):
        part = values[start : start + chunk]
        results.append(part[0] if len(part) == 1 else _reduce(declaration, link, bound, returns, name, part))
    return results


def _reduce(
    declaration: Declaration, link: Link, bound: BoundCall, returns: Returns, name: str, values: List[Any]
) -> Any:
    part = BoundCall(bound.signature, {**bound.named, name: values}, bound.extra, bound.unknown)
    return submit_bound(declaration, link, part, returns)


def reduced_parameter(declaration: Declaration) -> str:
    names = [
        name
        for name, spec in declaration.specs.items()
        if spec.kind == COLLECTION and spec.direction in (IN, IN_DELETE)
    ]
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise PyCOMPSsException(f"@reduction: {declaration.qualname} needs one COLLECTION_IN parameter, it has {found}")
    return names[0]
