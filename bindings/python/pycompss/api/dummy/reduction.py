"""`@reduction` as plain sequential code, whether there is a runtime or not."""

from pycompss.api.dummy._plain import PlainDecorator


class Reduction(PlainDecorator):
    """Changes nothing."""


reduction = Reduction
