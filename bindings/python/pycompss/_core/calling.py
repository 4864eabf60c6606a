"""What a call of a task does: run it here, or submit it."""

from typing import Any, Dict, Tuple

from metakernel import link as links
from pycompss._core.body import run_body, take_execution
from pycompss._core.declaration import Declaration
from pycompss._core.decorator import effective
from pycompss._core.outside import call_outside
from pycompss._core.submission import submit


def call(declaration: Declaration, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    declaration = effective(declaration)
    execution = take_execution(declaration)
    if execution is not None:
        return run_body(declaration, args, kwargs, execution.extra)
    link = links.current()
    if link is None:
        return call_outside(declaration, args, kwargs)
    return submit(declaration, link, args, kwargs)
