"""Places of data inside pickled arguments.

While a call is being built, a ``Future`` (at any depth of a container) pickles to a place: the index of the access that
stands for it. In the worker the place unpickles to the value.
"""

_builder = None
_resolver = None


def set_builder(builder):
    """``builder(future) -> index of the access``, or None. Gives the one before."""
    global _builder
    before = _builder
    _builder = builder
    return before


def set_resolver(resolver):
    """Something with ``value(index)`` and ``created(index, cls)`` while arguments are unpickled. Gives the one before."""
    global _resolver
    before = _resolver
    _resolver = resolver
    return before


def place_of(future):
    if _builder is None:
        raise TypeError("a future can be an argument of a task or its result, and cannot be pickled elsewhere")
    return (resolve, (_builder(future),))


def resolve(index):
    return _resolver.value(index)


def create(index, cls):
    return _resolver.created(index, cls)


class Place:
    """Stands in an argument list for the access ``index``."""

    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index

    def __reduce__(self):
        return (resolve, (self.index,))


class EmptyPlace:
    """Stands for an OUT object."""

    __slots__ = ("index", "cls")

    def __init__(self, index, cls):
        self.index = index
        self.cls = cls

    def __reduce__(self):
        return (create, (self.index, self.cls))
