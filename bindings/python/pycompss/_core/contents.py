"""Objects brought up to date in place, so that every reference to them sees the new value."""

from typing import Any


def replace_content(old: Any, new: Any) -> bool:
    """False when the class of the object does not allow it."""
    if new is old:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, (list, bytearray)):
        old[:] = new
    elif isinstance(old, (dict, set)):
        old.clear()
        old.update(new)
    elif getattr(old, "shape", None) not in (None, ()) and old.shape == new.shape and old.dtype == new.dtype:
        old[...] = new
    elif hasattr(old, "__dict__") and not isinstance(old, type):
        old.__dict__.clear()
        old.__dict__.update(new.__dict__)
    else:
        return False
    return True
