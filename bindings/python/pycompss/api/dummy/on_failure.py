"""`@on_failure` as plain sequential code, whether there is a runtime or not."""

from pycompss.api.dummy._plain import PlainDecorator


class OnFailure(PlainDecorator):
    """Changes nothing."""


on_failure = OnFailure
onFailure = OnFailure
