"""Which objects of the program stand for data of the runtime."""

from typing import Any

from pycompss._core import context


class _Pending:
    """Ids of objects that a task writes and nobody has waited for, as far as can be asked."""

    def __contains__(self, identifier: Any) -> bool:
        return bool(identifier) and identifier in OT.pending


class ObjectTracker:
    def __init__(self) -> None:
        self.pending_to_synchronize = _Pending()
        self.pending: set = set()

    def get_object_id(self, obj: Any) -> str:
        """The name of its datum; "" when it has none."""
        link = context.link()
        datum = None if link is None else link.datum_of(obj)
        if datum is None:
            return ""
        identifier = f"d{datum}"
        if link is not None and link.is_pending(obj):
            self.pending.add(identifier)
        else:
            self.pending.discard(identifier)
        return identifier

    def is_tracked(self, obj: Any) -> str:
        return self.get_object_id(obj)

    def is_obj_pending_to_synchronize(self, obj: Any) -> bool:
        link = context.link()
        return link is not None and link.is_pending(obj)


OT = ObjectTracker()
