"""From a call in the program to a submission to the runtime."""

import os
from types import GeneratorType
from typing import Any, Dict, List, Optional, Sequence, Tuple

from metakernel.link import Argument, Call, Implementation, Link
from pycompss._core import by_value, context, expected_failures, registry
from pycompss._core.declaration import Declaration
from pycompss._core.futures import handle_for
from pycompss._core.generators import packed
from pycompss._core.leaves import give_identity
from pycompss._core.options import seconds
from pycompss._core.placement import changes_with_calls, constraints_of, nodes_of
from pycompss._core.returns import Returns
from pycompss._core.signature import BoundCall
from pycompss._core.spec import (
    COLLECTION,
    DEFAULT_SPEC,
    DICTIONARY,
    DIRECTION_NAMES,
    DIRECTORY,
    FILE,
    FILE_COLLECTION,
    IN,
    OBJECT,
    STREAM,
    UNSPECIFIED,
    ParameterSpec,
)
from pycompss.util.exceptions import PyCOMPSsException

#: Their values are copied into the call; a task cannot change them for the caller.
_PRIMITIVE = frozenset((bool, int, float, str, type(None)))


def submit(declaration: Declaration, link: Link, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    declaration.prepare()
    if declaration.quick and not kwargs and len(args) == len(declaration.signature.positional):
        return _submit_quickly(declaration, link, args)
    parts = declaration.parts
    known = declaration.signature.known
    given_returns = kwargs.pop("returns", None) if kwargs and "returns" not in known else None
    transformations = kwargs.pop("dt", None) if parts.transformations is not None and "dt" not in known else None
    bound = declaration.signature.bind(declaration.name, args, kwargs)
    if parts.transformations is not None:
        from pycompss._core.transformations import transform

        transform(declaration, bound, transformations)
    returns = declaration.returns_of(given_returns, lambda: bound)
    if parts.is_reduce or declaration.options.is_reduce:
        from pycompss._core.reductions import submit_reduction

        return submit_reduction(declaration, link, bound, returns)
    return submit_bound(declaration, link, bound, returns)


def _submit_quickly(declaration: Declaration, link: Link, args: Tuple[Any, ...]) -> Any:
    """The common call: values to read in, by position. Nothing but its arguments is looked at."""
    returns = declaration.declared_returns()
    arguments = [
        Argument(name, packed(value) if type(value) is GeneratorType else value)
        for name, value in zip(declaration.signature.positional, args)
    ]
    with context.lock:
        data = link.submit(Call(element_of(declaration, link), arguments, len(returns.types)))
    if not data:
        return None
    if returns.bare:
        return handle_for(link, data[0], returns.types[0])
    return [handle_for(link, datum, cls) for datum, cls in zip(data, returns.types)]


def submit_bound(declaration: Declaration, link: Link, bound: BoundCall, returns: Returns) -> Any:
    call = _call_of(declaration, link, bound, returns)
    with context.lock:
        data = link.submit(call)
    if call.on_failure == "CANCEL_SUCCESSORS":
        expected_failures.note(link, call, data)
    if returns.parameter is not None:
        return _bind_parameter(link, declaration, bound, returns.parameter, data)
    if not data:
        return None
    if returns.bare:
        return handle_for(link, data[0], returns.types[0])
    return [handle_for(link, datum, cls) for datum, cls in zip(data, returns.types)]


def _bind_parameter(link: Link, declaration: Declaration, bound: BoundCall, name: str, data: Sequence[int]) -> Any:
    arguments = bound.arguments()
    if name not in arguments:
        raise PyCOMPSsException(f"{declaration.qualname}: returns names {name!r}, which is no parameter of the task")
    handle = arguments[name]
    link.bind(handle, data[0])
    return handle


# ---------------------------------------------------------------------------------------------- the call


def _call_of(declaration: Declaration, link: Link, bound: BoundCall, returns: Returns) -> Call:
    options = declaration.options
    element = element_of(declaration, link)
    arguments = arguments_of(declaration, bound)
    if by_value.needed(declaration):
        arguments.insert(0, by_value.argument(declaration))
    call = Call(
        element,
        arguments,
        returns=returns.count,
        on_failure=declaration.on_failure,
        time_out=seconds(options.time_out) if options.time_out else 0,
        priority=bool(options.priority),
        is_replicated=bool(options.is_replicated),
        is_distributed=bool(options.is_distributed),
    )
    if declaration.on_failure == "IGNORE":
        call.defaults = declaration.defaults or None
        call.extra = {"returns": returns.count}
    if declaration.simple:
        return call
    nodes, processes, each = nodes_of(declaration)
    call.computing_nodes = nodes
    if changes_with_calls(declaration):
        call.constraints = constraints_of(declaration, bound.arguments(), each if processes > 1 else 1)
    if declaration.parts.program is not None or declaration.parts.container is not None:
        call.extra = {
            "returns": returns.count,
            "computing_nodes": nodes,
            "processes": processes,
            "processes_per_node": each,
        }
        program = declaration.parts.program
        if program is not None and program.kind == "http":
            from pycompss._core.http_request import known_base_url

            call.extra["base_url"] = known_base_url(str(program.settings["service_name"]))
    return call


def element_of(declaration: Declaration, link: Link) -> Any:
    """Registered at the first call: by then the other implementations are known."""
    known = declaration.element
    if known is not None and known[0] is link:
        return known[1]
    registry.share_main()
    module, qualname = declaration.module, declaration.qualname
    own = [declaration]
    if declaration.parts.implements is not None:
        module, qualname, own = _implemented(declaration)
    every = own + [one for one in registry.alternatives_of(module, qualname) if one not in own]
    element = link.register(f"{module}#{qualname}", [_implementation(one) for one in every])
    declaration.element = (link, element)
    return element


def _implemented(declaration: Declaration) -> Tuple[str, str, List[Declaration]]:
    """The task that this one is another implementation of: a call of either may run both."""
    source, method = declaration.parts.implements  # type: ignore[misc]
    original = registry.find_by_source(source, method)
    if original is None:
        return declaration.module, declaration.qualname, [declaration]
    return original.module, original.qualname, [original]


def _implementation(declaration: Declaration) -> Implementation:
    _, processes, each = nodes_of(declaration)
    constraints: Optional[Dict[str, Any]] = None
    if not changes_with_calls(declaration):
        constraints = constraints_of(declaration, {}, each if processes > 1 else 1)
    if by_value.needed(declaration):
        return Implementation(by_value.MODULE, by_value.METHOD, constraints=constraints)
    return Implementation(declaration.module, declaration.qualname, constraints=constraints)


# ---------------------------------------------------------------------------------------------- arguments


def arguments_of(declaration: Declaration, bound: BoundCall) -> List[Argument]:
    """In the order in which the function gets them."""
    named = bound.named
    signature = bound.signature
    if declaration.plain:
        arguments = [Argument(name, packed(named[name])) for name in signature.positional]
        arguments += [Argument(None, packed(value)) for value in bound.extra]
        arguments += [Argument(name, packed(named[name]), keyword=True) for name in signature.keyword_only]
        arguments += [Argument(name, packed(value), keyword=True) for name, value in bound.unknown.items()]
        return arguments
    specs = declaration.specs
    varargs = declaration.options.varargs
    extra_spec = specs.get(signature.varargs, varargs)
    other_spec = specs.get(signature.varkeywords, DEFAULT_SPEC)
    arguments = [argument_of(declaration, name, named[name], specs.get(name)) for name in signature.positional]
    arguments += [argument_of(declaration, None, value, extra_spec) for value in bound.extra]
    for name in signature.keyword_only:
        arguments.append(argument_of(declaration, name, named[name], specs.get(name), True))
    for name, value in bound.unknown.items():
        arguments.append(argument_of(declaration, name, value, specs.get(name, other_spec), True))
    return arguments


def argument_of(
    declaration: Declaration, name: Optional[str], value: Any, spec: Optional[ParameterSpec], keyword: bool = False
) -> Argument:
    if spec is None or spec is DEFAULT_SPEC or spec.kind == STREAM:
        return Argument(name, packed(value), keyword=keyword)
    direction = spec.direction
    if spec.kind == OBJECT:
        if type(value) in _PRIMITIVE:
            direction = IN
        value = packed(value)
    elif spec.kind in (COLLECTION, DICTIONARY):
        if spec.writes:
            give_identity(value, spec)
    elif spec.kind in (FILE, DIRECTORY):
        value = _path(declaration, name, value)
    elif spec.kind == FILE_COLLECTION:
        value = _paths(declaration, name, value)
    return Argument(
        name,
        value,
        DIRECTION_NAMES[direction],
        spec.kind,
        spec.depth,
        keyword,
        None if spec.prefix == "null" else spec.prefix,
        None if spec.stream == UNSPECIFIED else ("STDIN", "STDOUT", "STDERR")[spec.stream],
        None if spec.weight == 1.0 else spec.weight,
        spec.keep_rename,
    )


def _path(declaration: Declaration, name: Optional[str], value: Any) -> Optional[str]:
    """None stands for no file."""
    if value is None:
        return None
    try:
        return os.fspath(value)
    except TypeError:
        what = f"{declaration.qualname}: the argument {name}"
        raise PyCOMPSsException(f"{what} must be a path, not {type(value).__name__}") from None


def _paths(declaration: Declaration, name: Optional[str], value: Any) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_paths(declaration, name, one) for one in value]
    return _path(declaration, name, value)
