"""The link over a worker's socket."""

import base64
import io
import pickle
import time
import weakref
from collections import deque

from metakernel import link, places, protocol, values
from metakernel.attempt import read_content
from metakernel.errors import LinkError, TaskError, TaskException
from metakernel.files import Files, absolute, content_of
from metakernel.link import DIRECTIONS, NOTHING, Future
from metakernel.places import EmptyPlace, Place
from metakernel.task_files import bring

_DIRECTION = {name: number for number, name in enumerate(DIRECTIONS)}
_WRITING = frozenset(("OUT", "INOUT", "CONCURRENT", "COMMUTATIVE"))
_LITERALS = frozenset((int, float, str, bool, type(None), complex))
#: An object of this size is a datum of its own.
_STORED_FROM = values.INLINE_BYTES
#: One smaller than this is not worth a datum, whatever the call weighs.
_SMALL = 4096
_FLUSH_BYTES = 32768
_FLUSH_WORDS = 4096
_HOLD_SECONDS = 0.0005
_INNER = (list, tuple, set, frozenset, bytearray, dict)


class _Tracked:
    """An object known by identity: held weakly where its class allows that."""

    __slots__ = ("datum", "pending", "strong", "weak")


class SocketLink(link.Link):
    def __init__(self, attempt):
        self._attempt = attempt
        self._worker = attempt.worker
        self._out = attempt.worker.out
        self._index = attempt.index
        self._next_handle = 0
        self._next_seq = 0
        self._next_wait = 0
        self._next_group = 0
        self._open = []
        self._groups = {}
        self._tracked = {}
        self.let_go = deque()
        self._files = Files(self._new_handle, self._declare_file)
        self._fields = {}
        self._sent_at = 0.0
        self._closed = False

    # ------------------------------------------------------------------------------------------------- tasks

    def register(self, signature, implementations):
        elements = self._worker.elements
        known = elements.get(signature)
        described = tuple(_described(one) for one in implementations)
        if known is not None and known[1] == described:
            return known[0]
        number = known[0] if known is not None else len(elements)
        elements[signature] = (number, described, implementations[0].language)
        self._worker.elements_by_number[number] = elements[signature]
        element = {"signature": signature, "implementations": [dict(one) for one in map(_plain, implementations)]}
        self._begin(protocol.ELEMENT).append(number)
        self._out.bytes(values.common(element))
        self._end()
        return number

    def submit(self, call):
        if self._closed:
            raise LinkError("the task that this link belongs to has ended")
        builder = _Builder(self, call)
        content = builder.content()
        seq = self._next_seq
        self._next_seq = seq + 1
        first = self._next_handle
        returns = call.returns
        self._next_handle = first + returns
        accesses = builder.accesses
        more = self._more(call, builder)
        words = self._begin(protocol.SUBMIT)
        out = self._out
        words += (seq, call.element, returns, first, len(accesses))
        out.bytes(content)
        for handle, code in accesses:
            words += (handle, code)
        out.bytes(more)
        for handle in builder.temporary:
            self.let_go.append(handle)
        for state in builder.files:
            state.tasks.append(seq)
        self._end()
        return list(range(first, first + returns))

    def _more(self, call, builder):
        groups = call.groups
        if groups is None:
            groups = tuple(self._open)
        if (call.constraints is None and builder.extras is None and call.on_failure == "RETRY" and not call.time_out
                and not groups and not call.priority and call.computing_nodes == 1 and not call.is_replicated
                and not call.is_distributed and call.repeatable):
            return b""
        key = None
        if call.constraints is None and builder.extras is None:
            key = (call.on_failure, call.time_out, call.priority, groups, call.computing_nodes, call.is_replicated,
                   call.is_distributed, call.repeatable)
            known = self._fields.get(key)
            if known is not None:
                return known
        fields = {"onFailure": call.on_failure}
        if call.time_out:
            fields["timeOutMs"] = int(call.time_out * 1000)
        if groups:
            fields["groups"] = list(groups)
        for name, value in (("priority", call.priority), ("isReplicated", call.is_replicated),
                            ("isDistributed", call.is_distributed)):
            if value:
                fields[name] = True
        if call.computing_nodes != 1:
            fields["computingNodes"] = call.computing_nodes
        if not call.repeatable:
            fields["repeatable"] = False
        if call.constraints is not None:
            fields["constraints"] = call.constraints
        if builder.extras is not None:
            fields["extras"] = builder.extras
        content = values.common(fields)
        if key is not None:
            self._fields[key] = content
        return content

    def bind(self, handle, datum):
        if isinstance(handle, Future):
            handle.datum = datum
            handle._let_go = self.let_go
            return
        self._track(handle, datum, True)

    def datum_of(self, value):
        if isinstance(value, Future):
            return value.datum
        found = self._tracked.get(id(value))
        return None if found is None else found.datum

    def is_pending(self, value):
        if isinstance(value, Future):
            return True
        found = self._tracked.get(id(value))
        return found is not None and found.pending

    # ------------------------------------------------------------------------------------------------- waiting

    def wait(self, data):
        handles = list(data)
        if not handles:
            return []
        contents = self._wait(protocol.TARGET_DATA, handles)
        found = [NOTHING if content is None else read_content(content) for content in contents[1]]
        if any(type(content) is tuple for content in contents[1]):
            self._begin(protocol.UNPIN).append(contents[0])
            self._end()
        return found

    def barrier(self):
        self._wait(protocol.TARGET_SCOPE, None)

    def _wait(self, kind, numbers):
        """Blocks. Gives the number of the wait and the contents."""
        wait = self._next_wait
        self._next_wait = wait + 1
        words = self._begin(protocol.WAIT)
        words += (wait, kind)
        if numbers is not None:
            if kind == protocol.TARGET_GROUP:
                words.append(numbers)
            else:
                words.append(len(numbers))
                words += numbers
        self._done()
        error, contents = self._worker.wait_for(wait)
        self._sent_at = time.monotonic()
        if error is not None:
            raise _error_of(error)
        return wait, contents

    # ------------------------------------------------------------------------------------------------- groups

    def open_group(self, name):
        number = self._next_group
        self._next_group = number + 1
        parent = self._open[-1] if self._open else -1
        words = self._begin(protocol.OPEN_GROUP)
        words += (number, parent)
        self._out.text(str(name))
        self._end()
        self._groups[name] = number
        self._open.append(number)
        return number

    def close_group(self, name):
        number = self._group(name)
        if number in self._open:
            self._open.remove(number)

    def barrier_group(self, name):
        self._wait(protocol.TARGET_GROUP, self._group(name))

    def cancel_group(self, name):
        self._cancel(protocol.CANCEL_GROUP, self._group(name), "group %s was cancelled" % name)

    def cancel_all(self, reason):
        self._cancel(protocol.CANCEL_ALL, -1, reason)

    def _cancel(self, kind, number, reason):
        words = self._begin(protocol.CANCEL)
        words += (kind, number)
        self._out.text(reason)
        self._end()

    def _group(self, name):
        number = self._groups.get(name)
        if number is None:
            raise LinkError("there is no group %s" % (name,))
        return number

    # ------------------------------------------------------------------------------------------------- data

    def delete(self, value):
        if type(value) is int:
            self.let_go.append(value)
            return True
        if isinstance(value, Future):
            datum = value.datum
            if datum is None:
                return False
            value.datum = None
            self.let_go.append(datum)
            return True
        found = self._tracked.pop(id(value), None)
        if found is None:
            return False
        self.let_go.append(found.datum)
        return True

    def forget_all(self):
        for found in self._tracked.values():
            self.let_go.append(found.datum)
        self._tracked.clear()

    def _track(self, value, datum, pending):
        found = _Tracked()
        found.datum = datum
        found.pending = pending
        found.strong = None
        key = id(value)
        before = self._tracked.get(key)
        if before is not None:
            self.let_go.append(before.datum)
        try:
            found.weak = weakref.ref(value, _Forget(self._tracked, self.let_go, key, found))
        except TypeError:
            found.strong = value
            found.weak = None
        self._tracked[key] = found
        return found

    def _new_handle(self):
        handle = self._next_handle
        self._next_handle = handle + 1
        return handle

    def _store(self, parts, size):
        """A datum with this content."""
        handle = self._new_handle()
        words = self._begin(protocol.DECLARE)
        words += (handle, 0)
        out = self._out
        out.text("")
        if size <= values.INLINE_BYTES:
            words.append(protocol.DECLARED_INLINE)
            out.bytes(b"".join(parts))
        else:
            words += (protocol.DECLARED_SHARED, size)
            out.text(self._worker.folder.write(parts))
        self._done()
        return handle

    def _declare_empty(self):
        handle = self._new_handle()
        words = self._begin(protocol.DECLARE)
        words += (handle, 0)
        self._out.text("")
        words.append(protocol.DECLARED_NOTHING)
        self._done()
        return handle

    def resolved(self, value):
        """The value with the values of the futures and handles in it, at any depth; itself where there are none."""
        datum = self.datum_of(value)
        if datum is not None:
            return Future(datum)
        found = []

        def collect(future):
            found.append(future.datum)
            return len(found) - 1

        before = places.set_builder(collect)
        try:
            content = pickle.dumps(value, 5)
        except Exception:
            return value
        finally:
            places.set_builder(before)
        if not found:
            return value
        brought = _Brought(self.wait(found))
        outer = places.set_resolver(brought)
        try:
            return pickle.loads(content)
        finally:
            places.set_resolver(outer)

    # ------------------------------------------------------------------------------------------------- files

    def _declare_file(self, handle, kind, path, content):
        words = self._begin(protocol.DECLARE)
        words += (handle, kind)
        self._out.text(path)
        words.append(content[0])
        if content[0] == protocol.DECLARED_PATH:
            words.append(content[1])
            self._out.text(path)
        self._done()

    def get_files(self, paths):
        states = []
        for path in paths:
            state = self._files.known(path)
            if state is not None and state.written and state not in states:
                states.append(state)
        self._bring(states)
        return list(paths)

    def _bring(self, states):
        if not states:
            return
        wait, contents = self._wait(protocol.TARGET_DATA, [state.handle for state in states])
        for state, content in zip(states, contents):
            if content is not None:
                bring(content[0], state.path)
            state.written = False
        self._begin(protocol.UNPIN).append(wait)
        self._end()

    def open_file(self, path, mode):
        state = self._files.known(path)
        path = absolute(path)
        if state is None:
            return path
        writes = mode[:1] in ("w", "a", "x") or "+" in mode
        if state.written and not mode.startswith("w"):
            self._bring([state])
        if writes and state.tasks:
            try:
                self._wait(protocol.TARGET_TASKS, state.tasks)
            except TaskError:
                pass
        return path

    def close_file(self, path):
        state = self._files.known(path)
        if state is None:
            return
        kind, size = content_of(state.path)
        words = self._begin(protocol.WRITTEN)
        words += (state.handle, kind)
        if kind == protocol.DECLARED_PATH:
            words.append(size)
            self._out.text(state.path)
        state.written = False
        state.tasks = []
        self._end()

    def file_exists(self, path):
        return self._files.known(path) is not None

    def delete_file(self, path):
        import os
        import shutil

        state = self._files.known(path)
        if state is None:
            return False
        if state.tasks:
            try:
                self._wait(protocol.TARGET_TASKS, state.tasks)
            except TaskError:
                pass
        self._files.forget(state)
        self.let_go.append(state.handle)
        if os.path.isdir(state.path) and not os.path.islink(state.path):
            shutil.rmtree(state.path, ignore_errors=True)
        elif os.path.lexists(state.path):
            os.unlink(state.path)
        return True

    # ------------------------------------------------------------------------------------------------- resources

    def number_of_resources(self):
        return int(self._attempt.extra.get("resources", 1)) if self._attempt.extra else 1

    def request_resources(self, count, group=None):
        raise LinkError("this runtime has no cloud to take nodes from; add agents with addResources")

    def free_resources(self, count, group=None):
        raise LinkError("this runtime has no cloud to give nodes back to; remove agents with removeResources")

    # ------------------------------------------------------------------------------------------------- where we are

    def task_info(self):
        return None if values.main_module else self._attempt.info()

    def flush(self):
        self._release()
        self._out.flush()
        self._sent_at = time.monotonic()

    def finish(self):
        """Before the task or program ends: what tasks have written to files is brought to the paths."""
        self._bring(self._files.written())

    def close(self):
        """The attempt has settled: nothing is named any more."""
        self._closed = True
        self._tracked.clear()

    # ------------------------------------------------------------------------------------------------- records

    def _begin(self, record):
        """From here to ``_end`` no signal handler touches the records."""
        out = self._out
        out.busy = True
        words = out.words
        words += (record, self._index)
        return words

    def _done(self):
        self._out.busy = False
        self._worker.break_if_due()

    def _end(self):
        out = self._out
        now = time.monotonic()
        if out.size > _FLUSH_BYTES or len(out.words) > _FLUSH_WORDS or now - self._sent_at > _HOLD_SECONDS:
            self._release()
            out.flush()
            self._sent_at = time.monotonic()
        self._done()

    def _release(self):
        let_go = self.let_go
        if not let_go:
            return
        handles = []
        while let_go:
            handles.append(let_go.popleft())
        self._out.words += (protocol.RELEASE, self._index, len(handles))
        self._out.words += handles


class _Forget:
    """Called when a tracked object has been collected, at any moment."""

    __slots__ = ("_tracked", "_let_go", "_key", "_found")

    def __init__(self, tracked, let_go, key, found):
        self._tracked = tracked
        self._let_go = let_go
        self._key = key
        self._found = found

    def __call__(self, reference):
        if self._tracked.get(self._key) is self._found:
            del self._tracked[self._key]
            self._let_go.append(self._found.datum)


class _Brought:
    def __init__(self, found):
        self._found = found

    def value(self, index):
        return self._found[index]


class _Builder:
    """Turns the arguments of one call into accesses and bytes."""

    def __init__(self, owner, call):
        self._link = owner
        self._call = call
        self._python = owner._worker.elements_by_number[call.element][2] == "PYTHON"
        self.accesses = []
        self._known = {}
        self._updates = {}
        self.temporary = []
        self.files = []
        self.extras = None

    def content(self):
        args = []
        kwargs = {}
        for argument in self._call.arguments:
            root = argument.name if argument.keyword else len(args)
            value = argument.value
            if not (argument.direction == "IN" and argument.kind == "object" and type(value) in _LITERALS):
                value = self._argument(argument, (root,))
            if argument.keyword:
                kwargs[argument.name] = value
            else:
                args.append(value)
        extra = self._call.extra
        if self._python:
            if not args and not kwargs and extra is None and not self._call.defaults:
                return b""
            return self._pickle(args, kwargs, extra)
        return values.common(args + list(kwargs.values()), self._ref)

    def _pickle(self, args, kwargs, extra):
        call = [tuple(args), kwargs, self._updates or None, extra, self._defaults()]
        for empty in (None, None, None, {}):
            if call[-1] is not None and call[-1] != empty:
                break
            call.pop()
        parts, size = self._encoded(tuple(call))
        if size <= _STORED_FROM:
            return b"".join(parts)
        call[0] = tuple(self._lightened(arg) for arg in args)
        if kwargs:
            call[1] = {name: self._lightened(arg) for name, arg in kwargs.items()}
        parts, size = self._encoded(tuple(call))
        return b"".join(parts)

    def _defaults(self):
        """Values for what an ignored failure leaves unwritten: of returns, and of accesses by index."""
        given = self._call.defaults
        if not given or self._call.on_failure != "IGNORE":
            return None
        written = {}
        for index, path in self._updates.items():
            name = path[0] if isinstance(path[0], str) else self._call.arguments[path[0]].name
            if len(path) == 1 and name in given:
                written[index] = given[name]
        return (given.get("returns"), written)

    def _encoded(self, value):
        before = places.set_builder(self._future)
        try:
            return values.pickled(value, self._dumps if self._link._tracked else None)
        finally:
            places.set_builder(before)

    def _dumps(self, value, keep):
        """As ``pickle.dumps``, with places for tracked instances of classes."""
        content = io.BytesIO()
        pickler = _TrackingPickler(content, 5, buffer_callback=keep)
        pickler.builder = self
        pickler.tracked = self._link._tracked
        pickler.dump(value)
        return content.getvalue()

    def _lightened(self, arg):
        """A large argument of a call that is too large becomes a datum of its own, kept while the object lives."""
        if type(arg) in (int, float, bool, type(None), Place, EmptyPlace) or isinstance(arg, Future):
            return arg
        parts, size = self._encoded(arg)
        if size < _SMALL:
            return arg
        return self._stored(arg, parts, size)

    def _stored(self, value, parts, size):
        handle = self._link._store(parts, size)
        try:
            weakref.ref(value)
            self._link._track(value, handle, False)
        except TypeError:
            self.temporary.append(handle)
        return Place(self.access(handle, "IN", 0))

    def _future(self, future):
        if future.datum is None:
            raise LinkError("a future of no task is among the arguments")
        return self.access(future.datum, "IN", 0)

    def _ref(self, value):
        if isinstance(value, Future):
            return self._future(value)
        if type(value) is Place:
            return value.index
        found = self._link._tracked.get(id(value))
        return -1 if found is None else self.access(found.datum, "IN", 0)

    def access(self, handle, direction, kind, extra=None):
        """One for each datum and direction: what is given twice is read once."""
        key = (handle, direction)
        index = self._known.get(key)
        if index is None:
            index = self._known[key] = len(self.accesses)
            self.accesses.append((handle, _DIRECTION[direction] * 3 + kind))
            if extra is not None or self.extras is not None:
                if self.extras is None:
                    self.extras = [{} for _ in range(index)]
                self.extras.append(extra or {})
        return index

    def _argument(self, argument, path):
        kind = argument.kind
        if kind == "object":
            return self._object(argument, argument.value, path)
        if kind == "file" or kind == "directory":
            return self._file(argument, argument.value, kind)
        if kind == "collection":
            return self._collection(argument, argument.value, path, argument.depth, True)
        if kind == "dictionary":
            return self._collection(argument, argument.value, path, argument.depth, True)
        if kind == "file_collection":
            return self._file_collection(argument, argument.value, argument.depth)
        raise ValueError("kind %s of an argument means nothing" % kind)

    def _object(self, argument, value, path):
        direction = argument.direction
        if direction in _WRITING:
            return self._written(argument, value, path)
        cls = type(value)
        if isinstance(value, Future):
            return Place(self.access(value.datum, direction, 0, _weight(argument)))
        if cls in _LITERALS:
            return value
        found = self._link._tracked.get(id(value))
        if found is not None:
            index = self.access(found.datum, direction, 0, _weight(argument))
            return Place(index)
        size = getattr(value, "nbytes", 0) if not isinstance(value, type) else 0
        if isinstance(size, int) and size > _STORED_FROM:
            parts, size = self._encoded(value)
            return self._stored(value, parts, size)
        return value

    def _written(self, argument, value, path):
        """INOUT and its kin: known by identity from now on, read back by position afterwards."""
        owner = self._link
        direction = argument.direction
        if isinstance(value, Future):
            handle = value.datum
        else:
            found = owner._tracked.get(id(value))
            if found is None:
                handle = owner._declare_empty() if direction == "OUT" else owner._store(*self._encoded(value))
                found = owner._track(value, handle, True)
            found.pending = True
            handle = found.datum
        index = self.access(handle, direction, 0, _weight(argument))
        self._updates[index] = path
        if direction == "OUT":
            return EmptyPlace(index, object if isinstance(value, Future) else type(value))
        return Place(index)

    def _collection(self, argument, value, path, depth, top):
        if depth <= 0 or not (isinstance(value, _INNER) or (top and hasattr(value, "__iter__"))):
            return self._object(argument, value, path)
        if isinstance(value, Future):
            return self._object(argument, value, path)
        if isinstance(value, dict):
            return {key: self._collection(argument, one, path + (key,), depth - 1, False)
                    for key, one in value.items()}
        return [self._collection(argument, one, path + (place,), depth - 1, False) for place, one in enumerate(value)]

    def _file(self, argument, value, kind):
        if value is None:
            return None
        if isinstance(value, Future):
            return Place(self.access(value.datum, argument.direction, 0))
        state = self._link._files.need(value, kind)
        extra = {"name": state.path.rsplit("/", 1)[-1]}
        if argument.keep_rename:
            extra["keepRename"] = True
        if argument.weight is not None:
            extra["weight"] = float(argument.weight)
        if argument.direction in _WRITING:
            state.written = True
        self.files.append(state)
        return Place(self.access(state.handle, argument.direction, 1 if kind == "file" else 2, extra))

    def _file_collection(self, argument, value, depth):
        if depth > 0 and not isinstance(value, str) and hasattr(value, "__iter__"):
            return [self._file_collection(argument, one, depth - 1) for one in value]
        return self._file(argument, value, "file")


class _TrackingPickler(pickle.Pickler):
    """Objects known by identity pickle to places."""

    builder = None
    tracked = None

    def reducer_override(self, value):
        found = self.tracked.get(id(value))
        if found is None:
            return NotImplemented
        return (places.resolve, (self.builder.access(found.datum, "IN", 0),))


def _weight(argument):
    return None if argument.weight is None else {"weight": float(argument.weight)}


def _plain(implementation):
    yield ("language", implementation.language)
    yield ("module", implementation.module)
    yield ("method", implementation.method)
    if implementation.constraints is not None:
        yield ("constraints", implementation.constraints)
    if implementation.settings is not None:
        yield ("settings", implementation.settings)


def _described(implementation):
    return tuple(repr(value) for _, value in _plain(implementation))


def _error_of(info):
    """The error of a wait, with the exception of the user's code as its cause where it could be pickled."""
    texts = []
    original = None
    at = info
    while at is not None:
        if at.get("stack") and at.get("name"):
            texts.append(at["stack"])
        original = original or _original(at)
        at = at.get("cause")
    if info["code"] == "ERR_TASK_EXCEPTION" or _holds(info, "ERR_TASK_EXCEPTION"):
        if isinstance(original, TaskException):
            return original
        return TaskException(info["message"])
    error = TaskError(info["code"], info["message"], texts[0] if texts else None)
    error.__cause__ = original
    return error


def _holds(info, code):
    while info is not None:
        if info["code"] == code:
            return True
        info = info.get("cause")
    return False


def _original(info):
    details = info.get("details") or {}
    content = details.get("pickled")
    if not content:
        return None
    try:
        if details.get("main"):
            values.adopt_main(details["main"])
        return pickle.loads(base64.b64decode(content))
    except Exception:
        return None
