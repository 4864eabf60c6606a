"""From the command line of `runcompss` to that of metakernel."""

import os
import shutil
import sys
from typing import Dict, List, Optional, Tuple

from pycompss._core.warnings import complain, warn

#: Flags of `runcompss` that have a meaning here, by the flag of `metakernel run`.
_TRANSLATED = {"--log_dir": "--log-dir", "--python_interpreter": "--python", "--scheduler": "--scheduler"}
#: Taken with the value that follows, if it is not joined by `=`.
_SHORT = ("-d", "-g", "-t", "-m")
_SWITCHES = ("--debug", "--graph", "--tracing", "--monitoring", "--summary", "--keep_workingdir")
#: Short forms of schedulers: the class of the original names its policy.
_POLICIES = (
    ("lookahead.fifo", "fifo"),
    ("lookahead.lifo", "lifo"),
    ("orderstrict.fifo", "strict-fifo"),
    ("locality", "locality"),
)


def main(arguments: List[str]) -> int:
    verb = arguments[0] if arguments else ""
    if verb in ("run", "enqueue"):
        arguments = arguments[1:]
    if verb == "enqueue":
        complain("enqueue needs a queue system; start agents in its jobs and use run")
        return 2
    flags, program = split(arguments)
    if not program:
        complain("usage: python -m pycompss [run] [flags] app.py [arguments]")
        return 2
    command = find_command()
    if command is None:
        complain("the command metakernel is not on PATH; name it in METAKERNEL_COMMAND")
        return 2
    line = [command, "run", *translate(flags), *program]
    environment = {**os.environ, **environment_of(flags)}
    sys.stdout.flush()
    os.execve(command, line, environment)


def split(arguments: List[str]) -> Tuple[Dict[str, str], List[str]]:
    """Flags of the launcher, and the program with its own arguments."""
    flags: Dict[str, str] = {}
    for index, word in enumerate(arguments):
        if not word.startswith("-"):
            return flags, arguments[index:]
        name, _, value = word.partition("=")
        flags[name] = value
    return flags, []


def translate(flags: Dict[str, str]) -> List[str]:
    result: List[str] = []
    unknown: List[str] = []
    for name, value in flags.items():
        if name == "--scheduler":
            policy = policy_of(value)
            if policy is not None:
                result.append(f"--scheduler={policy}")
        elif name in _TRANSLATED:
            result.append(f"{_TRANSLATED[name]}={value}")
        elif name not in _SHORT + _SWITCHES + ("--pythonpath", "--lang", "--log_level"):
            unknown.append(name)
    if unknown:
        warn(f"these flags of runcompss make no difference here: {', '.join(sorted(unknown))}")
    if not any(one.startswith("--python=") for one in result):
        result.append(f"--python={sys.executable}")
    return result


def policy_of(scheduler: str) -> Optional[str]:
    for part, policy in _POLICIES:
        if part in scheduler.lower():
            return policy
    return scheduler if scheduler and "." not in scheduler else None


def environment_of(flags: Dict[str, str]) -> Dict[str, str]:
    path = flags.get("--pythonpath")
    if not path:
        return {}
    present = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(part for part in (path, present) if part)}


def find_command() -> Optional[str]:
    """Where it is named, in a checkout around this package, or on PATH."""
    named = os.environ.get("METAKERNEL_COMMAND")
    if named:
        return shutil.which(named)
    here = os.path.dirname(os.path.abspath(__file__))
    checkout = os.path.join(here, "..", "..", "..", "..", "bin", "metakernel")
    if os.access(checkout, os.X_OK):
        return os.path.normpath(checkout)
    return shutil.which("metakernel")
