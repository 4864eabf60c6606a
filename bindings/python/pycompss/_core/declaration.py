"""A task as its program declares it, and the callable that stands in the function's place."""

import functools
import threading
from typing import Any, Callable, Dict, Optional

from pycompss._core import by_value, registry
from pycompss._core.constraints import is_dynamic
from pycompss._core.numbers import parse_count
from pycompss._core.options import TaskOptions
from pycompss._core.parts import NO_PARTS, Parts
from pycompss._core.returns import NOTHING, Returns, counted, infer_returns, parse_returns
from pycompss._core.signature import BoundCall, Signature
from pycompss._core.spec import DEFAULT_SPEC, ParameterSpec
from pycompss._core.warnings import warn

#: Attribute of a callable that leads to its declaration. `functools.wraps` copies it, so whether a callable is the
#: task's own is told by `Declaration.callable`.
MARK = "__pycompss__"


class Declaration:
    """Immutable once called. Each decorator above `@task` makes a new one over the same function."""

    def __init__(self, function: Callable, options: TaskOptions, parts: Parts = NO_PARTS) -> None:
        self.function = function
        self.options = options
        self.parts = parts
        self.module, self.qualname = registry.names_of(function)
        self.name = function.__name__
        self.signature = Signature(function)
        self.callable: Optional[Callable] = None
        first = self.signature.first
        self.is_method = first == "self"
        self.is_class_method = first == "cls"
        self._lock = threading.Lock()
        self._returns: Optional[Returns] = None
        self._prepared = False
        #: Specs by parameter; what is missing is a plain IN object.
        self.specs: Dict[str, ParameterSpec] = {}
        self.plain = False
        #: Neither nodes, constraints nor a program: nothing is computed for a call but its arguments.
        self.simple = False
        #: Its calls need nothing but their arguments, all of them values that are read.
        self.quick = False
        #: Number of the core element, and the link that gave it.
        self.element: Any = None

    # ------------------------------------------------------------------------------------------ building

    def with_parts(self, changes: Dict[str, Any]) -> "Declaration":
        return Declaration(self.function, self.options, self.parts.adding(changes))

    def make_callable(self) -> Callable:
        from pycompss._core.calling import call

        declaration = self

        @functools.wraps(self.function)
        def task_function(*args: Any, **kwargs: Any) -> Any:
            return call(declaration, args, kwargs)

        setattr(task_function, MARK, self)
        self.callable = task_function
        registry.register(self)
        return task_function

    # ------------------------------------------------------------------------------------------ at the first call

    def prepare(self) -> None:
        """Reads what may refer to globals that are defined after the function."""
        if self._prepared:
            return
        with self._lock:
            if not self._prepared:
                self._resolve_specs()
                self.simple = self._is_simple()
                self.quick = self._is_quick()
                self._prepared = True

    def _resolve_specs(self) -> None:
        specs = dict(self.options.specs)
        names = self.signature.names()
        unknown = [name for name in specs if name not in names and not self.signature.varkeywords]
        unknown += self.options.unknown
        if unknown:
            warn(f"@task {self.qualname}: unexpected argument(s): {', '.join(sorted(unknown))}")
        if self.is_method:
            specs.setdefault("self", ParameterSpec(direction=self.options.target_direction))
        self.specs = {name: spec for name, spec in specs.items() if not spec.plain}
        self.plain = not self.specs and self.options.varargs.plain

    def _is_simple(self) -> bool:
        """Constraints that do not change are the implementation's."""
        parts = self.parts
        nodes = self.options.computing_nodes if parts.computing_nodes is None else parts.computing_nodes
        dynamic = bool(parts.constraints) and is_dynamic(parts.constraints)
        return parts.program is None and parts.container is None and nodes == 1 and not dynamic

    def _is_quick(self) -> bool:
        """Whatever `Call` says of itself when nothing is said must be meant."""
        options, signature = self.options, self.signature
        special = signature.varargs or signature.keyword_only or by_value.needed(self)
        special = special or self.parts.transformations is not None or self.parts.is_reduce or options.is_reduce
        special = special or options.priority or options.is_replicated or options.is_distributed or options.time_out
        returns = self.declared_returns()
        special = special or returns.parameter is not None or returns.counted_by is not None
        return self.plain and self.simple and self.on_failure == "RETRY" and not special

    def globals(self) -> Dict[str, Any]:
        function = self.function
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        return getattr(function, "__globals__", {})

    def spec_of(self, name: str) -> ParameterSpec:
        return self.specs.get(name, DEFAULT_SPEC)

    def returns_of(self, given: Any, bound: Callable[[], BoundCall]) -> Returns:
        """`given`: `returns=` of the call itself."""
        declared = self.declared_returns() if given is None else parse_returns(given, self.globals) or NOTHING
        if declared.counted_by is not None:
            return counted(declared.counted_by, bound().arguments())
        return declared

    def declared_returns(self) -> Returns:
        if self._returns is None:
            declared = parse_returns(self.options.returns, self.globals)
            if declared is None:
                declared = infer_returns(self.function, self.is_method or self.is_class_method)
            self._returns = declared
        return self._returns

    @property
    def returns_declared(self) -> bool:
        return parse_returns(self.options.returns, self.globals) is not None

    def computing_nodes(self) -> int:
        given = self.parts.computing_nodes
        if given is None:
            given = self.options.computing_nodes
        return max(1, parse_count("computing_nodes", given, self.globals()))

    def processes_per_node(self) -> int:
        given = self.parts.processes_per_node
        if given is None:
            given = self.options.processes_per_node
        return max(1, parse_count("processes_per_node", given, self.globals()))

    def chunk_size(self) -> int:
        given = self.parts.chunk_size or self.options.chunk_size
        return parse_count("chunk_size", given, self.globals(), 0) if given else 0

    @property
    def on_failure(self) -> str:
        return self.parts.on_failure or self.options.on_failure

    @property
    def defaults(self) -> Dict[str, Any]:
        return {**self.options.defaults, **self.parts.defaults}

    def __repr__(self) -> str:
        return f"task {self.module}.{self.qualname}"


def declaration_of(callable_: Any) -> Optional[Declaration]:
    """The declaration behind a callable, also through decorators of the user's that keep `__wrapped__` or `__dict__`."""
    seen = 0
    while callable_ is not None and seen < 64:
        found = getattr(callable_, MARK, None)
        if isinstance(found, Declaration):
            return found
        callable_ = getattr(callable_, "__wrapped__", None) or getattr(callable_, "__func__", None)
        seen += 1
    return None


def own_declaration(callable_: Any) -> Optional[Declaration]:
    """The declaration whose callable this is, with nothing of the user's between."""
    found = getattr(callable_, MARK, None)
    return found if isinstance(found, Declaration) and found.callable is callable_ else None
