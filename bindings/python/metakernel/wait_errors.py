"""Errors of waits, as Python raises them."""

import base64
import pickle

from metakernel import values
from metakernel.errors import TaskError, TaskException


def error_of(info):
    """The error of a wait, with the exception of the user's code as its cause where it could be pickled."""
    texts = []
    original = None
    at = info
    while at is not None:
        if at.get("stack") and at.get("name"):
            texts.append(at["stack"])
        original = original or _original(at)
        at = at.get("cause")
    if info["code"] == "ERR_TASK_EXCEPTION" or _holds(info, "ERR_TASK_EXCEPTION"):
        if isinstance(original, TaskException):
            return original
        return TaskException(info["message"])
    error = TaskError(info["code"], info["message"], texts[0] if texts else None)
    error.__cause__ = original
    return error


def _holds(info, code):
    while info is not None:
        if info["code"] == code:
            return True
        info = info.get("cause")
    return False


def _original(info):
    details = info.get("details") or {}
    content = details.get("pickled")
    if not content:
        return None
    try:
        if details.get("main"):
            values.adopt_main(details["main"])
        return pickle.loads(base64.b64decode(content))
    except Exception:
        return None
