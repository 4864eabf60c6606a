"""The exception by which a task ends its groups."""


from metakernel.errors import TaskException


class COMPSsException(TaskException):
    """Raised by a task: cancels the rest of its groups and is raised again by their barrier.

    `target_direction` is the direction of `self` when the raising task is a method whose object has changed.
    """

    def __init__(self, message, target_direction=-1):
        super().__init__(message)
        self.message = message
        self.target_direction = target_direction

    def __reduce__(self):
        return (type(self), (self.message, self.target_direction))
