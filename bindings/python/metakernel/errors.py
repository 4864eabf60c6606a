"""Errors that cross the link."""


class LinkError(Exception):
    """The runtime refused a request or went away."""


class TaskError(Exception):
    """A task that a wait needs has not completed.

    ``code`` is the runtime's (``ERR_TASK_FAILED``, ``ERR_PREDECESSOR_FAILED``, ``ERR_TASK_TIMED_OUT``,
    ``ERR_TASK_CANCELLED``, ``ERR_TASK_LOST`` ...); ``task_traceback`` is the text of the traceback in the worker, where
    there is one. When the exception of the user's code could be pickled it is ``__cause__``.
    """

    def __init__(self, code, message, task_traceback=None):
        text = message if not task_traceback else "%s\n\n%s" % (message, task_traceback.rstrip())
        super().__init__(text)
        self.code = code
        self.message = message
        self.task_traceback = task_traceback

    def __reduce__(self):
        return (TaskError, (self.code, self.message, self.task_traceback))


class TaskException(Exception):
    """Thrown by a task to end its group: ``COMPSsException`` derives from it.

    The task itself counts as completed, tasks of its groups that have not ended are cancelled, and the barrier of the
    group throws ``TaskException``. What a barrier raises has the message of the original and, where the original could
    be pickled, is the original itself.
    """


class TaskCancelled(BaseException):
    """Raised inside user code in a worker when its task is cancelled or out of time. Not to be caught."""
