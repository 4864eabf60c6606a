"""Calls of tasks outside the runtime: `python3 app.py` runs as plain sequential code."""

import sys
from typing import Any, Dict, Tuple

from pycompss._core.declaration import Declaration
from pycompss._core.programs import run_program
from pycompss.util.exceptions import NotInPyCOMPSsException

#: Programs that are run here too; tasks of any other kind need the runtime.
_RUN_HERE = ("binary", "mpi")
_FUNCTION_HERE = ("http",)


def call_outside(declaration: Declaration, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    parts = declaration.parts
    if parts.outside is not None:
        error, message = parts.outside
        if error is not None:
            raise error(message)
        return declaration.function(*args, **kwargs)
    if "returns" in kwargs and "returns" not in declaration.signature.known:
        kwargs = {name: value for name, value in kwargs.items() if name != "returns"}
    program = parts.program
    if program is None or (program.kind == "mpi" and not program.settings.get("binary")):
        return declaration.function(*args, **kwargs)
    if program.kind in _FUNCTION_HERE:
        sys.stderr.write(f"WARNING: @{program.kind} {declaration.qualname}: outside the runtime its function is called\n")
        return declaration.function(*args, **kwargs)
    if program.kind in _RUN_HERE:
        declaration.prepare()
        bound = declaration.signature.bind(declaration.name, args, kwargs)
        extra = {"processes": _processes(declaration)}
        value = run_program(declaration, bound, extra)
        return value
    raise NotInPyCOMPSsException(f"@{program.kind} {declaration.qualname} needs the runtime")


def _processes(declaration: Declaration) -> int:
    from pycompss._core.placement import processes_of

    return processes_of(declaration)
