"""The border between ``pycompss`` and the runtime: what a program can ask, and the shape of a call.

``current()`` gives the link of the code that runs: that of the task in a worker, that of the main program, or ``None``
where there is no runtime (then programs run as plain sequential code).

Data have *datum ids*, small integers that the link gives out and that mean something to this link alone. A submission
needs no round trip: ids are chosen here. Every method may be called from the thread that runs the program only, except
``delete``, which may be called at any moment (from ``__del__`` too): it is queued and carried out at the next call.
"""

from abc import ABC, abstractmethod
from enum import Enum


class _Nothing(Enum):
    NOTHING = 0

    def __repr__(self):
        return "NOTHING"


#: What ``wait`` gives for a datum whose producer failed and was ignored, and for a file that is not there.
NOTHING = _Nothing.NOTHING

#: Directions, by the names the runtime uses; their order is COMPSs's ordinal.
DIRECTIONS = ("IN", "OUT", "INOUT", "CONCURRENT", "COMMUTATIVE", "IN_DELETE")

#: Kinds of argument.
OBJECT = "object"
FILE = "file"
DIRECTORY = "directory"
#: A nested list, tuple, set ... of objects to ``depth``: every leaf is a datum of its own.
COLLECTION = "collection"
#: The same with paths as leaves.
FILE_COLLECTION = "file_collection"
#: A dictionary to ``depth``: its keys travel as they are, every value is a datum.
DICTIONARY = "dictionary"

UNLIMITED = (1 << 63) - 1


class Future:
    """A datum that a task will write. Programs hold it; inside arguments it stands for the value.

    Made with an id of the current link, it lets go of the datum when it is collected.
    """

    __slots__ = ("datum", "_let_go", "__weakref__")

    def __init__(self, datum=None):
        self.datum = datum
        self._let_go = None if datum is None else getattr(_current, "let_go", None)

    def __del__(self):
        # Queued without a lock: this may run at any moment.
        if self._let_go is not None and self.datum is not None:
            self._let_go.append(self.datum)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        from metakernel.places import place_of

        return place_of(self)

    def __repr__(self):
        return "<Future d%s>" % self.datum


class Argument:
    """One argument of a call.

    ``name``: of the formal parameter, ``None`` for an element of ``*args``. ``keyword``: the function gets it by name.
    ``value``: the object itself, a ``Future`` or bound handle, or a path; ``None`` for a file parameter means no file.
    ``prefix``: put before the value where it becomes a command-line argument. ``stream``: STDIN, STDOUT, STDERR or None.
    """

    __slots__ = ("name", "value", "direction", "kind", "depth", "keyword", "prefix", "stream", "weight", "keep_rename",
                 "content_type")

    def __init__(self, name, value, direction="IN", kind=OBJECT, depth=UNLIMITED, keyword=False, prefix=None,
                 stream=None, weight=None, keep_rename=False, content_type=None):
        self.name = name
        self.value = value
        self.direction = direction
        self.kind = kind
        self.depth = depth
        self.keyword = keyword
        self.prefix = prefix
        self.stream = stream
        self.weight = weight
        self.keep_rename = keep_rename
        self.content_type = content_type


class Implementation:
    """One way to run a core element.

    ``language``: PYTHON, BINARY, CONTAINER ... ``module`` and ``method``: where a worker finds the function: it imports
    the module and looks ``method`` (a qualified name such as ``Class.method``) up in ``metakernel.registry`` first, then
    among the attributes of the module. ``constraints``: the runtime's spelling: ``{"processors": [{"type": "CPU",
    "units": 2}], "memoryGb": 4}``, see ``constraints.py`` of this package. ``settings``: plain data for the executor of
    the language.
    """

    __slots__ = ("language", "module", "method", "constraints", "settings")

    def __init__(self, module, method, language="PYTHON", constraints=None, settings=None):
        self.language = language
        self.module = module
        self.method = method
        self.constraints = constraints
        self.settings = settings


class Call:
    """One submission.

    ``element``: what ``register`` gave. ``arguments``: ``Argument`` objects in the order in which the function gets
    them; the receiver of a method is the first of them. ``returns``: number of futures. ``groups``: ids of open groups;
    ``None``: those that ``open_group`` has opened and ``close_group`` not yet closed. ``constraints`` replaces those of
    the implementations (dynamic constraints). ``on_failure``: RETRY, FAIL, IGNORE or CANCEL_SUCCESSORS. ``time_out``:
    seconds of one attempt, 0: none. ``defaults``: values for what a failure that is ignored leaves unwritten: by parameter
    name, and ``returns`` (one value, or a sequence of as many as there are returns).
    ``extra``: plain picklable data that the runner in the worker gets as it is (numba settings and the like).
    """

    __slots__ = ("element", "arguments", "returns", "on_failure", "time_out", "priority", "is_replicated",
                 "is_distributed", "computing_nodes", "constraints", "groups", "defaults", "extra", "repeatable")

    def __init__(self, element, arguments=(), returns=0, on_failure="RETRY", time_out=0, priority=False,
                 is_replicated=False, is_distributed=False, computing_nodes=1, constraints=None, groups=None,
                 defaults=None, extra=None, repeatable=True):
        self.element = element
        self.arguments = arguments
        self.returns = returns
        self.on_failure = on_failure
        self.time_out = time_out
        self.priority = priority
        self.is_replicated = is_replicated
        self.is_distributed = is_distributed
        self.computing_nodes = computing_nodes
        self.constraints = constraints
        self.groups = groups
        self.defaults = defaults
        self.extra = extra
        self.repeatable = repeatable


class TaskInfo:
    """The task that runs here. ``attempt`` counts from 1; ``gpus`` and ``fpgas`` are device indexes held alone."""

    __slots__ = ("task", "signature", "attempt", "computing_units", "host_names", "gpus", "fpgas", "working_dir")

    def __init__(self, task, signature, attempt=1, computing_units=1, host_names=(), gpus=(), fpgas=(),
                 working_dir="."):
        self.task = task
        self.signature = signature
        self.attempt = attempt
        self.computing_units = computing_units
        self.host_names = host_names
        self.gpus = gpus
        self.fpgas = fpgas
        self.working_dir = working_dir


class Link(ABC):
    """What Python code can ask of the runtime."""

    # ------------------------------------------------------------------------------------------------- tasks

    @abstractmethod
    def register(self, signature, implementations):
        """Makes a core element known and gives its number. Idempotent by ``signature``; further implementations of a
        known signature are added."""

    @abstractmethod
    def submit(self, call):
        """Submits a ``Call``; gives the datum ids of its returns, a list of ``call.returns`` integers.

        Objects in INOUT, OUT, CONCURRENT and COMMUTATIVE arguments are known by identity from then on: passed on, they
        mean their latest version. IN objects are pickled at the call; a large one is stored once and known by identity
        until it is deleted, waited for or collected, so that a later change of it in place is not seen."""

    @abstractmethod
    def bind(self, handle, datum):
        """``handle`` (any object) stands for the datum from now on, as a ``Future`` does."""

    @abstractmethod
    def datum_of(self, value):
        """The datum id of a Future, of a bound handle or of an object known by identity; ``None`` for others."""

    @abstractmethod
    def is_pending(self, value):
        """True when a task has been submitted that writes the object, and nobody has waited for it since."""

    # ------------------------------------------------------------------------------------------------- waiting

    @abstractmethod
    def wait(self, data):
        """Waits for the data (a sequence of ids) in one request; gives their values in order, ``NOTHING`` for one
        whose producer was ignored. Raises ``TaskError`` for the first that failed. The values are new objects of the
        caller's. A task that waits gives its computing units back meanwhile."""

    @abstractmethod
    def barrier(self):
        """Waits for all tasks submitted by this program or task. Raises ``TaskError`` for the first failure."""

    # ------------------------------------------------------------------------------------------------- groups

    @abstractmethod
    def open_group(self, name):
        """Opens a group inside the innermost open one and gives its id: calls belong to every open group."""

    @abstractmethod
    def close_group(self, name):
        """No further calls belong to it."""

    @abstractmethod
    def barrier_group(self, name):
        """Waits for the tasks of the group. Raises the ``TaskException`` that ended it, else ``TaskError`` for the
        first failure, ``LinkError`` for an unknown name."""

    @abstractmethod
    def cancel_group(self, name):
        """Cancels what has not ended of the group."""

    @abstractmethod
    def cancel_all(self, reason):
        """Cancels every task of this program that has not ended."""

    # ------------------------------------------------------------------------------------------------- data

    @abstractmethod
    def delete(self, value):
        """The object (Future, handle, tracked object) or datum id is not used again; its memory goes when its readers
        have ended. False when it was not known. May be called at any moment."""

    @abstractmethod
    def forget_all(self):
        """Drops every object known by identity (``compss_barrier(no_more_tasks=True)``)."""

    # ------------------------------------------------------------------------------------------------- files

    @abstractmethod
    def get_files(self, paths):
        """Waits in one request for what tasks have written to the paths (files or directories) and puts it there; gives
        the paths. A path that no task has written is left as it is."""

    @abstractmethod
    def open_file(self, path, mode):
        """``compss_open``: waits for the writers (readers too, when the mode writes) and gives the path to open. With
        a writing mode the program is the writer of a new version: ``close_file`` ends it."""

    @abstractmethod
    def close_file(self, path):
        """The program has finished writing: tasks that follow see the new content."""

    @abstractmethod
    def file_exists(self, path):
        """True when the runtime knows the path as a file that tasks read or write."""

    @abstractmethod
    def delete_file(self, path):
        """As ``delete``, for a file or directory by path: the runtime forgets it when its readers and writers have
        ended, and removes the file itself. False when it was not known."""

    # ------------------------------------------------------------------------------------------------- resources

    @abstractmethod
    def number_of_resources(self):
        """Nodes of the pool that this program runs on."""

    @abstractmethod
    def request_resources(self, count, group=None):
        """Asks for so many more nodes; ``group`` is notified by the implicit barrier of that name, where the runtime has
        nodes to give. Raises ``LinkError`` where it has none."""

    @abstractmethod
    def free_resources(self, count, group=None):
        """Gives so many nodes back."""

    # ------------------------------------------------------------------------------------------------- where we are

    @abstractmethod
    def task_info(self):
        """``TaskInfo`` in a worker; ``None`` in a main program."""

    @abstractmethod
    def flush(self):
        """Sends what is buffered. Waits and the end of the program do it; a program that submits and then computes for
        long may call it (submissions leave by themselves soon after)."""


_current = None
_maker = None


def current():
    """The link of the code that runs, or ``None`` where there is no runtime."""
    global _current
    if _current is None and _maker is not None:
        _current = _maker()
    return _current


def set_current(link):
    """For the worker loop and for ``compss_start``: what ``current`` gives from now on. Gives the one before."""
    global _current
    before = _current
    _current = link
    return before


def set_maker(maker):
    """For the worker loop: makes the link when code first asks for it; most tasks never do. Resets the current one."""
    global _current, _maker
    _current = None
    _maker = maker
