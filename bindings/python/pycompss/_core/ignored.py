"""What a task leaves whose failure is ignored: the defaults that its decorators name."""

import os
import shutil
import sys
import traceback
from typing import Any, Dict, Sequence

from pycompss._core.contents import replace_content
from pycompss._core.declaration import Declaration
from pycompss._core.spec import DIRECTORY, FILE


def outputs_after_failure(
    declaration: Declaration, args: Sequence[Any], kwargs: Dict[str, Any], extra: Dict[str, Any]
) -> Any:
    """Called while the error is handled: it goes to the standard error of the task. Gives what the task returns."""
    traceback.print_exc(file=sys.stderr)
    defaults = declaration.defaults
    arguments = declaration.signature.bind(declaration.name, args, kwargs).arguments()
    for name, value in arguments.items():
        spec = declaration.spec_of(name)
        if not spec.writes or value is None:
            continue
        if spec.kind in (FILE, DIRECTORY):
            _leave_path(value, defaults.get(name), spec.kind)
        elif name in defaults and not replace_content(value, defaults[name]):
            sys.stderr.write(f"WARNING: {name} cannot take its default in the place of a {type(value).__name__}\n")
    returns = defaults.get("returns")
    count = int(extra.get("returns", 1))
    return [returns] * count if count > 1 and not isinstance(returns, (list, tuple)) else returns


def _leave_path(path: str, default: Any, kind: str) -> None:
    """A copy of the default; an empty file or directory where there is none and nothing was written."""
    if default is not None:
        if kind == FILE:
            shutil.copyfile(os.fspath(default), path)
        else:
            shutil.copytree(os.fspath(default), path, dirs_exist_ok=True)
    elif kind == DIRECTORY:
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        with open(path, "wb"):
            return
