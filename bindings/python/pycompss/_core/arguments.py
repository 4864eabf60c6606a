"""Checks of what is written in a decorator's parentheses: mandatory, then deprecated, then unexpected arguments."""

from typing import Any, Dict, Iterable

from pycompss._core.warnings import complain, warn
from pycompss.util.exceptions import PyCOMPSsException

#: Spelling of earlier versions, still taken with a warning.
DEPRECATED = {
    "isReplicated": "is_replicated",
    "isDistributed": "is_distributed",
    "varargsType": "varargs_type",
    "targetDirection": "target_direction",
    "timeOut": "time_out",
    "computingNodes": "computing_nodes",
    "workingDir": "working_dir",
    "appName": "app_name",
    "workerInMaster": "worker_in_master",
    "dfExecutor": "df_executor",
    "dfLib": "df_lib",
    "dfScript": "df_script",
    "sourceClass": "source_class",
}
_OLD_SPELLING = {new: old for old, new in DEPRECATED.items()}


def check_mandatory(decorator: str, given: Iterable[str], mandatory: Iterable[str]) -> None:
    present = set(given)
    for name in mandatory:
        if name not in present and _OLD_SPELLING.get(name) not in present:
            raise PyCOMPSsException(f"The argument {name} is mandatory in the {decorator} decorator.")


def replace_deprecated(decorator: str, given: Dict[str, Any]) -> Dict[str, Any]:
    """The arguments under their present names."""
    if "isModifier" in given:
        message = f"The argument isModifier of {decorator} is no longer supported: use target_direction."
        complain(message)
        raise PyCOMPSsException(message)
    if not any(name in DEPRECATED for name in given):
        return given
    named = {}
    for name, value in given.items():
        new = DEPRECATED.get(name)
        if new is not None:
            warn(f"{decorator}: the argument {name} is deprecated. Please, use {new}.")
        named[new or name] = value
    return named


def warn_unexpected(decorator: str, given: Iterable[str], expected: Iterable[str]) -> None:
    known = set(expected)
    unexpected = [name for name in given if name not in known]
    if unexpected:
        names = ", ".join(sorted(unexpected))
        warn(f"{decorator}: unexpected argument(s): {names}. Ignored; expected: {', '.join(sorted(known))}.")


def fail_by_exit_value(decorator: str, given: Any, absent: bool) -> bool:
    """Whether an exit value other than 0 fails the task. A string may name an environment variable."""
    from pycompss._core.numbers import expand_environment

    if given is None:
        return absent
    if isinstance(given, (bool, int)):
        return bool(given)
    if isinstance(given, str):
        return expand_environment(given).strip().lower() in ("true", "1", "yes")
    raise PyCOMPSsException(f"Incorrect format for fail_by_exit_value in the {decorator} decorator: {given!r}")


def true_or_false(decorator: str, name: str, given: Any, absent: bool) -> bool:
    if given is None:
        return absent
    if isinstance(given, bool):
        return given
    if isinstance(given, str):
        return given.strip().lower() == "true"
    raise PyCOMPSsException(f"Incorrect format for {name} in the {decorator} decorator: {given!r}")
