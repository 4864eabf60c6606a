"""`@task` as plain sequential code, whether there is a runtime or not."""

from pycompss.api.dummy._plain import PlainDecorator


class Task(PlainDecorator):
    own = ("returns",)


task = Task
