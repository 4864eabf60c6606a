"""What the package itself raises. What a task raises for its group is `pycompss.api.exceptions.COMPSsException`."""


class PyCOMPSsException(Exception):
    """A call or a decorator that cannot be carried out, with the reason as message."""


class NotInPyCOMPSsException(Exception):
    """Something that only exists under the runtime was used outside of it."""

    def __init__(self, msg: str = "Outside PyCOMPSs scope") -> None:
        super().__init__(msg)


class NotImplementedException(Exception):
    """The name exists, the function behind it does not."""

    def __init__(self, functionality: str = "Missing implementation") -> None:
        super().__init__(f"Functionality {functionality} not implemented.")


class MissingImplementedException(NotImplementedException):
    """Older name of `NotImplementedException`."""


class SerializerException(Exception):
    """A value that no serialiser takes."""


class TimeOutError(Exception):
    """Raised in a task whose `time_out` has passed."""


class CancelError(Exception):
    """Raised in a task that is cancelled."""


class TaskFailedError(PyCOMPSsException):
    """A task failed for good: the message names the task, its node and the cause, `traceback_text` its traceback."""

    def __init__(self, message: str, traceback_text: str = "") -> None:
        super().__init__(message)
        self.traceback_text = traceback_text

    def __reduce__(self):
        return (TaskFailedError, (self.args[0], self.traceback_text))
