"""`@container` as plain sequential code, whether there is a runtime or not."""

from pycompss.api.dummy._plain import PlainDecorator


class Container(PlainDecorator):
    """Changes nothing."""


container = Container
