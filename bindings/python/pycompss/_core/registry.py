"""Every declared task of this process, by the name under which other processes know it."""

import os
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

from metakernel import registry as runners

#: Declarations by (module, qualified name); the outermost decorator registers last and wins.
_declarations: Dict[Tuple[str, str], Any] = {}
#: Further implementations by (class or module, method) of the task that they implement.
_alternatives: Dict[Tuple[str, str], List[Any]] = {}


_runner_of: Optional[Callable[[Any], Callable]] = None


def use_runners(make: Callable[[Any], Callable]) -> None:
    """`make(declaration)`: what a worker calls to run it."""
    global _runner_of
    _runner_of = make
    for declaration in _declarations.values():
        runners.register(declaration.module, declaration.qualname, make(declaration))


def register(declaration: Any) -> None:
    _declarations[declaration.module, declaration.qualname] = declaration
    if _runner_of is not None:
        runners.register(declaration.module, declaration.qualname, _runner_of(declaration))
    implements = declaration.parts.implements
    if implements is not None:
        known = _alternatives.setdefault(implements, [])
        known[:] = [one for one in known if one.function is not declaration.function]
        known.append(declaration)


def find(module: str, qualname: str) -> Optional[Any]:
    return _declarations.get((module, qualname))


def find_by_source(source_class: str, method: str) -> Optional[Any]:
    """`source_class`: a module, or a module and a class."""
    found = _declarations.get((source_class, method))
    if found is None and "." in source_class:
        module, _, owner = source_class.rpartition(".")
        found = _declarations.get((module, f"{owner}.{method}"))
    return found


def alternatives_of(module: str, qualname: str) -> List[Any]:
    """`source_class` may be written as the module alone, or as the module and the class."""
    owner, _, method = qualname.rpartition(".")
    source = f"{module}.{owner}" if owner else module
    return list(_alternatives.get((source, method), []))


def names_of(function: Callable) -> Tuple[str, str]:
    """Module and qualified name. `__main__` is replaced by the name under which the file can be imported."""
    module = getattr(function, "__module__", None) or "__main__"
    if module == "__main__":
        module = main_module_name()
    return module, function.__qualname__


def main_module_name() -> str:
    """Import name of the file that runs as `__main__`; "__main__" itself for code that has no file."""
    main = sys.modules.get("__main__")
    override = os.environ.get("METAKERNEL_MAIN_MODULE")
    if override:
        return override
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name not in ("__main__", None):
        name = spec.name
        return name[: -len(".__main__")] if name.endswith(".__main__") else name
    file = getattr(main, "__file__", None)
    if not file or not os.path.isfile(file):
        return "__main__"
    return os.path.splitext(os.path.basename(file))[0]


def share_main() -> None:
    """Makes the running program importable under its own name, so that values that name its classes come back to it."""
    name = main_module_name()
    main = sys.modules.get("__main__")
    if name != "__main__" and main is not None:
        sys.modules.setdefault(name, main)
