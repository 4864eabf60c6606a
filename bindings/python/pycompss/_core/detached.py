"""The function of a task run by other processes: by MPI ranks, or inside a container."""

import os
import pickle
import shlex
import sys
import tempfile
from typing import Any, Dict, List, Sequence

from pycompss._core import commands
from pycompss._core.declaration import Declaration
from pycompss._core.contents import replace_content
from pycompss._core.processes import Streams, run_command
from pycompss._core.programs import ProgramFailed, contained, describe_exit, streams_of, surroundings
from pycompss._core.signature import BoundCall
from pycompss.util.exceptions import PyCOMPSsException


def run_detached(declaration: Declaration, bound: BoundCall, args: Sequence[Any], extra: Dict[str, Any]) -> Any:
    """What the function returns: for MPI a list with what each rank returns."""
    with tempfile.TemporaryDirectory(prefix="call-", dir=os.getcwd()) as directory:
        call = os.path.join(directory, "call")
        _write_call(declaration, bound, call)
        python = sys.executable if declaration.parts.container is None else "python3"
        command = [python, "-m", "pycompss._core.rank", call]
        if declaration.parts.program is not None:
            around = surroundings(declaration, bound, extra)
            command = commands.mpi_runner(declaration.parts.program.settings, around) + command
        if declaration.parts.container is not None:
            command = _contained(declaration, command)
        environment = {"PYTHONPATH": os.pathsep.join(_paths())}
        value = run_command(declaration.qualname, command, streams_of(declaration, bound), None, environment)
        results = _read_results(call)
        if value != 0 and not any("error" in one for one in results):
            raise ProgramFailed(f"{declaration.qualname}: {shlex.join(command)} ended with {describe_exit(value)}")
        return _outcome(declaration, results, bound, args)


def _write_call(declaration: Declaration, bound: BoundCall, path: str) -> None:
    positional, named = bound.call_form()
    content = {
        "module": declaration.module,
        "qualname": declaration.qualname,
        "args": positional,
        "kwargs": named,
        "layouts": _layouts(declaration),
        "paths": _paths(),
    }
    with open(path, "wb") as file:
        pickle.dump(content, file, protocol=5)


def _layouts(declaration: Declaration) -> Dict[str, Any]:
    program = declaration.parts.program
    settings = {} if program is None else program.settings
    return {name[: -len("_layout")]: value for name, value in settings.items() if name.endswith("_layout")}


def _paths() -> List[str]:
    return [os.path.abspath(path or ".") for path in sys.path if os.path.isdir(path or ".")]


def _contained(declaration: Declaration, command: List[str]) -> List[str]:
    """With the code of the program mounted beside its files."""
    container = dict(declaration.parts.container or {})
    engine = str(container["engine"]).upper()
    prefix = sys.prefix
    code = [path for path in _paths() if not path.startswith(prefix)]
    options = str(container.get("options") or "")
    for path in code:
        options += f" --bind {shlex.quote(path)}" if engine == "SINGULARITY" else f" -v {shlex.quote(f'{path}:{path}:ro')}"
    if engine != "SINGULARITY":
        options += f" -e {shlex.quote('PYTHONPATH=' + os.pathsep.join(code))}"
    container["options"] = options
    changed = Declaration(declaration.function, declaration.options, declaration.parts._replace(container=container))
    return contained(changed, command, os.getcwd())


def _read_results(call: str) -> List[Dict[str, Any]]:
    """In the order of the ranks."""
    results = []
    while os.path.exists(f"{call}.{len(results)}"):
        with open(f"{call}.{len(results)}", "rb") as file:
            results.append(pickle.load(file))
    return results


def _outcome(declaration: Declaration, results: List[Dict[str, Any]], bound: BoundCall, args: Sequence[Any]) -> Any:
    for rank, one in enumerate(results):
        if "error" in one:
            sys.stderr.write(one["traceback"])
            raise one["error"]
    if not results:
        raise PyCOMPSsException(f"{declaration.qualname}: none of its processes left a result")
    _give_back(bound, results[0], args)
    values = [one["result"] for one in results]
    return values[0] if declaration.parts.program is None else values


def _give_back(bound: BoundCall, result: Dict[str, Any], args: Sequence[Any]) -> None:
    """Changed arguments, those of the first rank, are put into the places of the ones that were given."""
    for position, value in enumerate(result["args"]):
        if position < len(args):
            replace_content(args[position], value)
            if isinstance(args, list):
                args[position] = value
    names = {**bound.named, **bound.unknown}
    for name, value in result["kwargs"].items():
        replace_content(names.get(name), value)
