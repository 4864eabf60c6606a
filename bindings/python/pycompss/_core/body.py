"""Running a task in the process that was given it: its function or its program, with what is put around it."""

import threading
import types
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from metakernel.errors import TaskException
from pycompss._core import registry
from pycompss._core.declaration import Declaration, declaration_of
from pycompss._core.generators import packed_result
from pycompss._core.signature import BoundCall


class Execution(NamedTuple):
    """An execution on its way through the user's decorators to the function."""

    function: Callable
    extra: Optional[Dict[str, Any]]


class _State(threading.local):
    execution: Optional[Execution] = None


_state = _State()


def take_execution(declaration: Declaration) -> Optional[Execution]:
    """The execution that this call of the task is; None when it is a call by the program. Taken once: what the
    function calls itself, the same task included, is a call."""
    execution = _state.execution
    if execution is None or execution.function is not declaration.function:
        return None
    _state.execution = None
    return execution


def execute(declaration: Declaration, args: Sequence[Any], kwargs: Dict[str, Any], extra: Any = None) -> Any:
    """Runs the task with arguments that are values and paths. Changes them in place where the task does."""
    declaration.prepare()
    if declaration.on_failure != "IGNORE":
        return _through_decorators(declaration, args, kwargs, extra)
    try:
        return _through_decorators(declaration, args, kwargs, extra)
    except TaskException:
        raise
    except Exception:
        from pycompss._core.ignored import outputs_after_failure

        return outputs_after_failure(declaration, args, kwargs, extra or {})


def _through_decorators(declaration: Declaration, args: Sequence[Any], kwargs: Dict[str, Any], extra: Any) -> Any:
    outer = _outermost(declaration)
    if outer is None:
        return run_body(declaration, args, kwargs, extra)
    _state.execution = Execution(declaration.function, extra)
    try:
        return packed_result(outer(*args, **kwargs))
    finally:
        _state.execution = None


def _outermost(declaration: Declaration) -> Optional[Callable]:
    """What the module calls by the name of the task, where the user's decorators lie around it."""
    import sys

    found: Any = sys.modules.get(declaration.module)
    for name in declaration.qualname.split("."):
        if name == "<locals>" or found is None:
            return None
        namespace = getattr(found, "__dict__", {})
        found = namespace.get(name) if name in namespace else getattr(found, name, None)
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    if found is None or found is declaration.callable:
        return None
    inner = declaration_of(found)
    if inner is None or inner.function is not declaration.function:
        return None
    return found if not isinstance(found, types.MethodType) and inner.callable is not found else None


def run_body(declaration: Declaration, args: Sequence[Any], kwargs: Dict[str, Any], extra: Any) -> Any:
    parts = declaration.parts
    declaration.prepare()
    if parts.program is None and parts.container is None and parts.prolog is None and parts.epilog is None:
        return packed_result(_function_of(declaration)(*args, **kwargs))
    from pycompss._core.programs import with_prolog_and_epilog
    from pycompss._core.sandbox import sandbox

    bound = declaration.signature.bind(declaration.name, args, kwargs)
    with sandbox():
        return with_prolog_and_epilog(declaration, bound, lambda: _run_main(declaration, bound, args, extra))


def _run_main(declaration: Declaration, bound: BoundCall, args: Sequence[Any], extra: Any) -> Any:
    program = declaration.parts.program
    if program is not None and program.kind == "http":
        from pycompss._core.http_request import run_request

        return run_request(declaration, bound, extra or {})
    if program is not None and not (program.kind == "mpi" and not program.settings.get("binary")):
        from pycompss._core.programs import run_program

        return run_program(declaration, bound, extra)
    if program is None and declaration.parts.container is None:
        positional, named = bound.call_form()
        return packed_result(_function_of(declaration)(*positional, **named))
    from pycompss._core.detached import run_detached

    return run_detached(declaration, bound, args, extra or {})


def _function_of(declaration: Declaration) -> Callable:
    if not declaration.options.numba:
        return declaration.function
    from pycompss._core.compiled import compiled_function

    return compiled_function(declaration)


class TaskRunner:
    """What a worker calls for a declared task."""

    __slots__ = ("declaration",)

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration

    def __call__(self, args: List[Any], kwargs: Dict[str, Any], extra: Any = None) -> Any:
        return execute(self.declaration, args, kwargs, extra)


registry.use_runners(TaskRunner)
