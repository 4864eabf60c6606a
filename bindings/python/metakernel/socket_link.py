"""The link over a worker's socket."""

import os
import pickle
import shutil
import time
import weakref
from collections import deque

from metakernel import link, places, protocol, values
from metakernel.attempt import read_content
from metakernel.call_builder import CallBuilder
from metakernel.errors import LinkError, TaskError
from metakernel.files import Files, absolute, content_of
from metakernel.link import NOTHING, Future
from metakernel.task_files import bring
from metakernel.tracking import Forget, Tracked
from metakernel.wait_errors import error_of

_FLUSH_BYTES = 32768
_FLUSH_WORDS = 4096
_HOLD_SECONDS = 0.0005


class SocketLink(link.Link):
    def __init__(self, attempt):
        self._attempt = attempt
        self.worker = attempt.worker
        self._out = attempt.worker.out
        self._index = attempt.index
        self._next_handle = 0
        self._next_seq = 0
        self._next_wait = 0
        self._next_group = 0
        self._open = []
        self._groups = {}
        self.tracked = {}
        self.let_go = deque()
        self.files = Files(self._new_handle, self._declare_file)
        self._fields = {}
        self._sent_at = 0.0
        self._closed = False

    # ------------------------------------------------------------------------------------------------- tasks

    def register(self, signature, implementations):
        elements = self.worker.elements
        known = elements.get(signature)
        described = tuple(_described(one) for one in implementations)
        if known is not None and known[1] == described:
            return known[0]
        number = known[0] if known is not None else len(elements)
        elements[signature] = (number, described, implementations[0].language, signature)
        self.worker.elements_by_number[number] = elements[signature]
        element = {"signature": signature, "implementations": [dict(one) for one in map(_plain, implementations)]}
        self._begin(protocol.ELEMENT).append(number)
        self._out.bytes(values.common(element))
        self._end()
        return number

    def submit(self, call):
        if self._closed:
            raise LinkError("the task that this link belongs to has ended")
        builder = CallBuilder(self, call)
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
        self.track(handle, datum, True)

    def datum_of(self, value):
        if isinstance(value, Future):
            return value.datum
        found = self.tracked.get(id(value))
        return None if found is None else found.datum

    def is_pending(self, value):
        if isinstance(value, Future):
            return True
        found = self.tracked.get(id(value))
        return found is not None and found.pending

    # ------------------------------------------------------------------------------------------------- waiting

    def wait(self, data):
        handles = list(data)
        if not handles:
            return []
        contents = self._wait(protocol.TARGET_DATA, handles)
        found = [NOTHING if content is None else _readable(content) for content in contents[1]]
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
        error, contents = self.worker.wait_for(wait)
        self._sent_at = time.monotonic()
        if error is not None:
            raise error_of(error)
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
        found = self.tracked.pop(id(value), None)
        if found is None:
            return False
        self.let_go.append(found.datum)
        return True

    def forget_all(self):
        for found in self.tracked.values():
            self.let_go.append(found.datum)
        self.tracked.clear()

    def track(self, value, datum, pending):
        found = Tracked()
        found.datum = datum
        found.pending = pending
        found.strong = None
        key = id(value)
        before = self.tracked.get(key)
        if before is not None:
            self.let_go.append(before.datum)
        try:
            found.weak = weakref.ref(value, Forget(self.tracked, self.let_go, key, found))
        except TypeError:
            found.strong = value
            found.weak = None
        self.tracked[key] = found
        return found

    def _new_handle(self):
        handle = self._next_handle
        self._next_handle = handle + 1
        return handle

    def store(self, parts, size):
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
            out.text(self.worker.folder.write(parts))
        self._done()
        return handle

    def declare_empty(self):
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
            state = self.files.known(path)
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
        state = self.files.known(path)
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
        state = self.files.known(path)
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
        return self.files.known(path) is not None

    def delete_file(self, path):
        state = self.files.known(path)
        if state is None:
            return False
        if state.tasks:
            try:
                self._wait(protocol.TARGET_TASKS, state.tasks)
            except TaskError:
                pass
        self.files.forget(state)
        self.let_go.append(state.handle)
        if os.path.isdir(state.path) and not os.path.islink(state.path):
            shutil.rmtree(state.path, ignore_errors=True)
        elif os.path.lexists(state.path):
            os.unlink(state.path)
        return True

    # ------------------------------------------------------------------------------------------------- resources

    def number_of_resources(self):
        return self.worker.nodes()

    def request_resources(self, count, group=None):
        raise LinkError("this runtime has no cloud to take nodes from; add agents with addResources")

    def free_resources(self, count, group=None):
        raise LinkError("this runtime has no cloud to give nodes back to; remove agents with removeResources")

    # ------------------------------------------------------------------------------------------------- where we are

    def task_info(self):
        return None if values.main_module else self._attempt.info()

    def flush(self):
        self._release()
        self.worker.send()
        self._sent_at = time.monotonic()

    def finish(self):
        """Before the task or program ends: what tasks have written to files is brought to the paths."""
        self._bring([state for state in self.files.written() if not state.given_up()])

    def close(self):
        """The attempt has settled: nothing is named any more."""
        self._closed = True
        self.tracked.clear()

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
        self.worker.break_if_due()

    def _end(self):
        out = self._out
        now = time.monotonic()
        if out.size > _FLUSH_BYTES or len(out.words) > _FLUSH_WORDS or now - self._sent_at > _HOLD_SECONDS:
            self._release()
            self.worker.send()
            self._sent_at = time.monotonic()
        else:
            self.worker.hold_back()
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


def _readable(content):
    try:
        return read_content(content)
    except Exception as error:
        raise LinkError("a value that a task has returned cannot be read here: %s: %s"
                        % (type(error).__name__, error)) from error


class _Brought:
    def __init__(self, found):
        self._found = found

    def value(self, index):
        return self._found[index]


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
