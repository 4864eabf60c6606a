"""Command lines of the tasks whose body is a program."""

import os
import shlex
import sys
from typing import Any, Dict, List, NamedTuple

from pycompss._core.parts import Program
from pycompss._core.templates import words
from pycompss.util.exceptions import PyCOMPSsException


class Surroundings(NamedTuple):
    """What a command line depends on beside the settings of its decorator."""

    #: Every argument of the call by its name, for templates.
    arguments: Dict[str, Any]
    #: Arguments in the order of the parameters, as words, without those that are standard streams.
    positional: List[str]
    #: Nodes that the task holds; one: this one.
    hosts: List[str]
    computing_nodes: int
    processes: int
    processes_per_node: int


def command_of(program: Program, around: Surroundings) -> List[str]:
    try:
        build = _BUILDERS[program.kind]
    except KeyError:
        raise PyCOMPSsException(f"@{program.kind}: there is nothing here that can run it") from None
    return build(program.settings, around)


def _arguments(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    template = settings.get("args")
    return list(around.positional) if template is None else words(str(template), around.arguments)


def _program(settings: Dict[str, Any], key: str, around: Surroundings) -> List[str]:
    return words(str(settings[key]), around.arguments)


def _binary(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    return _program(settings, "binary", around) + _arguments(settings, around)


def mpi_runner(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    """The start of the line, up to the program."""
    line = shlex.split(str(settings["runner"])) + ["-np", str(around.processes)]
    return line + _hosts(around) + shlex.split(str(settings.get("flags") or ""))


def _hosts(around: Surroundings) -> List[str]:
    if len(around.hosts) < 2:
        return []
    return ["--host", ",".join(f"{host}:{around.processes_per_node}" for host in around.hosts)]


def _mpi(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    return mpi_runner(settings, around) + _binary(settings, around)


def _mpmd(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    line = shlex.split(str(settings["runner"])) + _hosts(around)
    for index, one in enumerate(settings["programs"]):
        line += [":"] if index > 0 else []
        line += ["-np", str(one.get("processes", 1))] + words(str(one["binary"]), around.arguments)
        line += words(str(one.get("args", "")), around.arguments)
    return line


def _julia(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    executor = shlex.split(str(settings.get("executor") or "julia"))
    return executor + _program(settings, "script", around) + _arguments(settings, around)


def _compss(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    given = settings.get("runcompss")
    runner = shlex.split(str(given)) if given else [sys.executable, "-m", "pycompss", "run"]
    flags = shlex.split(str(settings.get("flags") or ""))
    return runner + flags + _program(settings, "app_name", around) + _arguments(settings, around)


def _decaf(settings: Dict[str, Any], around: Surroundings) -> List[str]:
    executor = settings.get("df_executor") or "test.sh"
    line = shlex.split(str(settings.get("runner") or "mpirun")) + ["-np", str(around.computing_nodes)]
    return line + _hosts(around) + [os.path.abspath(str(executor))] + _arguments(settings, around)


_BUILDERS = {
    "binary": _binary,
    "ompss": _binary,
    "mpi": _mpi,
    "mpmd_mpi": _mpmd,
    "julia": _julia,
    "compss": _compss,
    "decaf": _decaf,
}
