"""How many nodes, processes and units one call of a task takes."""

from typing import Any, Dict, Optional, Tuple

from pycompss._core.constraints import evaluate, is_dynamic
from pycompss._core.declaration import Declaration
from pycompss._core.numbers import parse_count


def processes_of(declaration: Declaration) -> int:
    """MPI processes of a task; 1 for others."""
    program = declaration.parts.program
    if program is None:
        return 1
    if program.kind == "mpmd_mpi":
        return sum(int(one.get("processes", 1)) for one in program.settings["programs"])
    given = program.settings.get("processes")
    if given is None:
        return declaration.computing_nodes() if program.kind in ("mpi", "decaf") else 1
    return max(1, parse_count("processes", given, declaration.globals()))


def nodes_of(declaration: Declaration) -> Tuple[int, int, int]:
    """Nodes that the task holds at once, processes, and processes on each node.

    MPI processes share one node unless `processes_per_node` spreads them.
    """
    processes = processes_of(declaration)
    if processes > 1:
        program = declaration.parts.program
        given = None if program is None else program.settings.get("processes_per_node")
        if given is None:
            given = declaration.options.processes_per_node
        each = parse_count("processes_per_node", given, declaration.globals())
        if each <= 1:
            return 1, processes, processes
        return -(-processes // each), processes, each
    return declaration.computing_nodes(), processes, declaration.processes_per_node()


def constraints_of(
    declaration: Declaration, arguments: Dict[str, Any], per_node: int
) -> Optional[Dict[str, Any]]:
    """In the runtime's form; None when nothing is asked for. `per_node`: processes of the task on one node."""
    given = declaration.parts.constraints
    if not given and per_node <= 1 and not declaration.parts.io:
        return None
    result = evaluate(given, declaration.globals(), arguments)
    if declaration.parts.io and "computing_units" not in given and "processors" not in given:
        result["processors"] = [{"type": "CPU", "units": 0}]
    elif per_node > 1:
        processors = result.get("processors") or [{"type": "CPU", "units": 1}]
        result["processors"] = [_multiplied(one, per_node) for one in processors]
    return result or None


def _multiplied(processor: Dict[str, Any], processes: int) -> Dict[str, Any]:
    """Every process of the task has the units for itself."""
    return {**processor, "units": processor.get("units", 1) * processes}


def changes_with_calls(declaration: Declaration) -> bool:
    return is_dynamic(declaration.parts.constraints)
