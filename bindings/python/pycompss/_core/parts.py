"""What the decorators above `@task` add to it."""

from typing import Any, Dict, NamedTuple, Optional, Tuple


class Program(NamedTuple):
    """A task whose body is a program and not its function. `kind`: name of the decorator."""

    kind: str
    settings: Dict[str, Any] = {}


class Parts(NamedTuple):
    constraints: Dict[str, Any] = {}
    program: Optional[Program] = None
    container: Optional[Dict[str, Any]] = None
    prolog: Optional[Dict[str, Any]] = None
    epilog: Optional[Dict[str, Any]] = None
    on_failure: Optional[str] = None
    defaults: Dict[str, Any] = {}
    chunk_size: Any = 0
    is_reduce: bool = False
    computing_nodes: Any = None
    processes_per_node: Any = None
    #: (source_class, method) of the task that this one is another implementation of.
    implements: Optional[Tuple[str, str]] = None
    io: bool = False
    local: bool = False
    #: None: no `@dt`, so that a call may not bring any either.
    transformations: Optional[Tuple[Any, ...]] = None
    #: What a call raises outside the runtime, as class and message; a class of None: it calls the function.
    outside: Optional[Tuple[Optional[type], str]] = None

    def adding(self, changes: Dict[str, Any]) -> "Parts":
        """Dictionaries are merged (the outer decorator wins), sequences joined (the outer one comes first)."""
        merged: Dict[str, Any] = {}
        for name, value in changes.items():
            present = getattr(self, name)
            if name in ("constraints", "defaults"):
                value = {**present, **value}
            elif name == "transformations":
                value = tuple(value) + (present or ())
            merged[name] = value
        return self._replace(**merged)


NO_PARTS = Parts()
