"""Tasks whose body is a program: binary, MPI, Julia, another application, and what is put around with containers."""

import os
import shlex
from typing import Any, Callable, Dict, List, Optional

from pycompss._core import commands
from pycompss._core.declaration import Declaration
from pycompss._core.parts import Program
from pycompss._core.processes import Streams, find_program, run_command
from pycompss._core.signature import BoundCall
from pycompss._core.spec import (
    COMMUTATIVE,
    CONCURRENT,
    FILE,
    INOUT,
    STDERR,
    STDIN,
    STDOUT,
    UNSPECIFIED,
    ParameterSpec,
)
from pycompss._core.templates import as_word, fill, flat, words
from pycompss.util.exceptions import PyCOMPSsException

_ENGINES = {"DOCKER": "docker", "PODMAN": "podman", "SINGULARITY": "singularity", "UDOCKER": "udocker"}


class ProgramFailed(PyCOMPSsException):
    """A program that a task is ended with an exit value that fails the task."""


def run_program(declaration: Declaration, bound: BoundCall, extra: Optional[Dict[str, Any]]) -> Any:
    """The exit value, where the task returns anything."""
    program = declaration.parts.program
    assert program is not None
    around = surroundings(declaration, bound, extra or {})
    command = commands.command_of(program, around)
    working_dir = working_dir_of(program.settings, around.arguments)
    if declaration.parts.container is not None:
        command = contained(declaration, command, working_dir or os.getcwd())
    value = run_command(declaration.qualname, command, streams_of(declaration, bound), working_dir)
    if value != 0 and fails_by_exit_value(declaration, program):
        raise ProgramFailed(f"{declaration.qualname}: {shlex.join(command)} ended with {describe_exit(value)}")
    return value


def describe_exit(value: int) -> str:
    return f"signal {-value}" if value < 0 else f"exit value {value}"


def fails_by_exit_value(declaration: Declaration, program: Program) -> bool:
    """Where nothing is said, an exit value that the program of the user asks for is given and does not fail."""
    given = program.settings.get("fail_by_exit_value")
    return not declaration.returns_declared if given is None else bool(given)


def working_dir_of(settings: Dict[str, Any], arguments: Dict[str, Any]) -> Optional[str]:
    """None: the sandbox of the task."""
    given = settings.get("working_dir")
    if given is None:
        return None
    path = os.path.abspath(fill(str(given), arguments))
    os.makedirs(path, exist_ok=True)
    return path


def surroundings(declaration: Declaration, bound: BoundCall, extra: Dict[str, Any]) -> commands.Surroundings:
    hosts = [host for host in os.environ.get("COMPSS_HOSTNAMES", "").split(",") if host]
    return commands.Surroundings(
        arguments=bound.arguments(),
        positional=positional_words(declaration, bound),
        hosts=list(dict.fromkeys(hosts)),
        computing_nodes=int(extra.get("computing_nodes", 1)),
        processes=int(extra.get("processes", 1)),
        processes_per_node=int(extra.get("processes_per_node", 1)),
    )


def positional_words(declaration: Declaration, bound: BoundCall) -> List[str]:
    """Arguments in the order of the parameters; prefixes before them, standard streams and absent files left out."""
    result: List[str] = []
    for name in bound.signature.positional + bound.signature.keyword_only:
        if name not in ("self", "cls"):
            result += _words_of(declaration.spec_of(name), bound.named[name])
    for value in bound.extra:
        result += _words_of(declaration.options.varargs, value)
    for name, value in bound.unknown.items():
        result += _words_of(declaration.spec_of(name), value)
    return result


def _words_of(spec: ParameterSpec, value: Any) -> List[str]:
    if spec.stream != UNSPECIFIED or value is None:
        return []
    prefix = "" if spec.prefix in ("null", "") else spec.prefix
    texts = [as_word(one) for one in flat(value)]
    if prefix == "#":
        return []
    return [prefix + text for text in texts]


def streams_of(declaration: Declaration, bound: BoundCall) -> Streams:
    streams = Streams()
    for name, value in bound.arguments().items():
        spec = declaration.spec_of(name)
        if spec.kind != FILE or spec.stream == UNSPECIFIED or value is None:
            continue
        path = os.path.abspath(os.fspath(value))
        setattr(streams, {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}[spec.stream], path)
        if spec.direction in (INOUT, CONCURRENT, COMMUTATIVE):
            streams.append.append(path)
    return streams


# ---------------------------------------------------------------------------------------------- around the body


def contained(declaration: Declaration, command: List[str], working_dir: str) -> List[str]:
    """The command line inside a container that sees the files of the task under their own paths."""
    container = declaration.parts.container or {}
    engine = str(container["engine"]).upper()
    program = find_program(declaration.qualname, _ENGINES.get(engine, engine.lower()), None)
    options = shlex.split(str(container.get("options") or ""))
    image = str(container["image"])
    if engine == "SINGULARITY":
        return [program, "exec", "--bind", f"{working_dir}:{working_dir}", "--pwd", working_dir, *options, image, *command]
    volumes: List[str] = []
    for path in mounts(working_dir):
        volumes += ["-v", f"{path}:{path}"]
    user = [] if engine == "UDOCKER" else ["--user", f"{os.getuid()}:{os.getgid()}"]
    return [program, "run", "--rm", *user, *volumes, "-w", working_dir, *options, image, *command]


def mounts(working_dir: str) -> List[str]:
    """Directories that hold the files of the task: its sandbox, and where links in it lead."""
    found = {os.path.realpath(working_dir), working_dir}
    for entry in os.scandir(working_dir):
        if entry.is_symlink():
            found.add(os.path.dirname(os.path.realpath(entry.path)))
    return sorted(found)


def with_prolog_and_epilog(declaration: Declaration, bound: BoundCall, body: Callable[[], Any]) -> Any:
    """The epilog runs also after a body that has failed, as what cleans up has to."""
    parts = declaration.parts
    if parts.prolog is not None:
        _run_beside(declaration, "prolog", parts.prolog, bound)
    try:
        result = body()
    except BaseException:
        if parts.epilog is not None:
            _run_beside(declaration, "epilog", {**parts.epilog, "fail_by_exit_value": False}, bound)
        raise
    if parts.epilog is not None:
        _run_beside(declaration, "epilog", parts.epilog, bound)
    return result


def _run_beside(declaration: Declaration, kind: str, settings: Dict[str, Any], bound: BoundCall) -> None:
    arguments = bound.arguments()
    command = words(str(settings["binary"]), arguments) + words(str(settings.get("args") or ""), arguments)
    value = run_command(f"{kind} of {declaration.qualname}", command, Streams())
    if value != 0 and settings.get("fail_by_exit_value"):
        raise ProgramFailed(f"{kind} of {declaration.qualname}: {shlex.join(command)} ended with {describe_exit(value)}")
