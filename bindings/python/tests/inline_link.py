"""Runs every task at once, where it is submitted, in this process: no parallelism, and the data semantics of the runtime.

Values are pickled on their way into a task and out of it, so that what the caller holds is as stale as it would be with
a worker elsewhere; versions, failures, groups and cancellation follow the rules of the runtime.
"""

import os
import pickle
import shutil
import tempfile
import traceback
from collections import deque

from metakernel import places, registry
from metakernel.errors import LinkError, TaskError, TaskException
from metakernel.link import COLLECTION, DICTIONARY, DIRECTORY, FILE, FILE_COLLECTION, NOTHING, Future, Link, TaskInfo


_PRIMITIVE = (bool, int, float, str, type(None))


class _Gone:
    """A datum without a value, and why."""

    def __init__(self, code, message, trace=None, cause=None):
        self.code = code
        self.message = message
        self.trace = trace
        self.cause = cause

    def raise_error(self):
        raise TaskError(self.code, self.message, self.trace) from self.cause


class _Group:
    def __init__(self, name):
        self.name = name
        self.exception = None
        self.failure = None
        self.cancelled = False


class _Leaf:
    """Where a written value is read back after the task: `holder[key]`, or an argument itself."""

    def __init__(self, datum, holder, key):
        self.datum = datum
        self.holder = holder
        self.key = key


class _Cancelled(Exception):
    pass


class _Resolver:
    def __init__(self, owner, data):
        self.owner = owner
        self.data = data

    def value(self, index):
        return self.owner._value(self.data[index])


class InlineLink(Link):
    def __init__(self):
        self.elements = []
        self.signatures = {}
        self.values = []
        self.known = {}
        self.pending = set()
        self.groups = {}
        self.open = []
        self.failure = None
        self.calls = []
        self.files = set()
        self.depth = 0
        self.let_go = deque()
        self.sandbox = tempfile.mkdtemp(prefix="inline-link-")

    def close(self):
        shutil.rmtree(self.sandbox, ignore_errors=True)

    # ------------------------------------------------------------------------------------------------- tasks

    def register(self, signature, implementations):
        if signature not in self.signatures:
            self.signatures[signature] = len(self.elements)
            self.elements.append((signature, list(implementations)))
        return self.signatures[signature]

    def submit(self, call):
        self.calls.append(call)
        returns = [self._new(NOTHING) for _ in range(call.returns)]
        groups = [self.groups[name] for name in self.open]
        leaves = []
        try:
            if any(group.cancelled for group in groups):
                raise _Cancelled("its group is cancelled")
            result = self._run(call, leaves)
        except _Cancelled as error:
            self._lose(call, returns, _Gone("ERR_TASK_CANCELLED", str(error)))
        except TaskException as error:
            self._write_back(leaves)
            for group in groups:
                group.exception = error
                group.cancelled = True
        except Exception as error:
            self._failed(call, returns, groups, error)
        else:
            self._write_back(leaves)
            self._keep_returns(call, returns, result)
        return returns

    def _run(self, call, leaves):
        signature, implementations = self.elements[call.element]
        implementation = implementations[0]
        args, kwargs = [], {}
        for argument in call.arguments:
            value = self._bring(argument, leaves)
            if argument.keyword:
                kwargs[argument.name] = value
            else:
                args.append(value)
        runner = registry.find(implementation.module, implementation.method)
        if runner is None:
            raise LinkError("no runner for %s" % signature)
        before = os.getcwd()
        self.depth += 1
        try:
            return runner(args, kwargs, call.extra)
        finally:
            self.depth -= 1
            os.chdir(before)

    def _keep_returns(self, call, returns, result):
        if call.returns == 1:
            results = [result]
        elif call.returns > 1:
            results = list(result)
            if len(results) != call.returns:
                self._lose(call, returns, _Gone("ERR_TASK_FAILED", "wrong number of values"))
                return
        else:
            results = []
        for datum, value in zip(returns, results):
            self.values[datum] = pickle.dumps(self._delegated(value), 5)

    def _delegated(self, value):
        if isinstance(value, Future):
            return self._value(value.datum)
        return value

    def _failed(self, call, returns, groups, error):
        trace = traceback.format_exc()
        if call.on_failure == "IGNORE":
            defaults = call.defaults or {}
            values = defaults.get("returns")
            values = [values] if call.returns == 1 else list(values or [None] * call.returns)
            for datum, value in zip(returns, values):
                self.values[datum] = NOTHING if value is None else pickle.dumps(value, 5)
            return
        gone = _Gone("ERR_TASK_FAILED", "%s failed: %s" % (self.elements[call.element][0], error), trace, error)
        if call.on_failure == "CANCEL_SUCCESSORS":
            gone = _Gone("ERR_TASK_CANCELLED", gone.message, trace, error)
        else:
            self.failure = self.failure or gone
            for group in groups:
                group.failure = group.failure or gone
        self._lose(call, returns, gone)

    def _lose(self, call, returns, gone):
        for datum in returns:
            self.values[datum] = gone
        for argument in call.arguments:
            if argument.direction in ("OUT", "INOUT") and argument.kind == "object":
                self.values[self._track(argument.value)] = gone

    def _write_back(self, leaves):
        for leaf in leaves:
            value = leaf.holder if leaf.key is None else leaf.holder[leaf.key]
            self.values[leaf.datum] = pickle.dumps(self._delegated(value), 5)

    # ------------------------------------------------------------------------------------------------- arguments

    def _bring(self, argument, leaves):
        kind, value = argument.kind, argument.value
        if kind in (FILE, DIRECTORY):
            if value is not None and argument.direction != "IN":
                self.files.add(os.path.abspath(value))
                if kind == DIRECTORY:
                    os.makedirs(value, exist_ok=True)
            return None if value is None else os.path.abspath(value)
        if kind == FILE_COLLECTION:
            if argument.direction != "IN":
                self.files.update(os.path.abspath(path) for path in _flat(value))
            return _absolute(value)
        if kind in (COLLECTION, DICTIONARY):
            return self._collection(argument, value, argument.depth, leaves)
        found = self._object(argument, value)
        if argument.direction not in ("IN", "IN_DELETE"):
            leaves.append(_Leaf(self._track(value), found, None))
        return found

    def _collection(self, argument, value, depth, leaves):
        """Every element down to the depth is a datum; those that are written are read back from where they lie."""
        if isinstance(value, dict):
            names = [self._object(argument, key) if isinstance(key, Future) else key for key in value]
            elements, result = list(value.values()), dict.fromkeys(names)
        else:
            elements = list(value)
            result, names = [None] * len(elements), range(len(elements))
        for name, one in zip(names, elements):
            if depth > 1 and isinstance(one, (list, tuple, set, frozenset, dict)) and self.datum_of(one) is None:
                result[name] = self._collection(argument, one, depth - 1, leaves)
                continue
            result[name] = self._object(argument, one)
            if argument.direction not in ("IN", "IN_DELETE") and type(one) not in _PRIMITIVE:
                leaves.append(_Leaf(self._track(one), result, name))
        return result

    def _object(self, argument, value):
        datum = self.datum_of(value)
        if datum is not None:
            return self._value(datum)
        if argument.direction == "OUT":
            return type(value)()
        return self._copied(value)

    def _copied(self, value):
        data = []

        def build(future):
            data.append(future.datum)
            return len(data) - 1

        before = places.set_builder(build)
        try:
            pickled = pickle.dumps(value, 5)
        finally:
            places.set_builder(before)
        resolver = places.set_resolver(_Resolver(self, data))
        try:
            return pickle.loads(pickled)
        finally:
            places.set_resolver(resolver)

    def _value(self, datum):
        value = self.values[datum]
        if isinstance(value, _Gone):
            raise _Cancelled(value.message)
        return None if value is NOTHING else pickle.loads(value)

    def _track(self, value):
        if isinstance(value, Future):
            return value.datum
        known = self.known.get(id(value))
        if known is None:
            known = self.known[id(value)] = (value, self._new(NOTHING))
        self.pending.add(id(value))
        return known[1]

    def _new(self, value):
        self.values.append(value)
        return len(self.values) - 1

    def bind(self, handle, datum):
        self.known[id(handle)] = (handle, datum)
        self.pending.add(id(handle))

    def datum_of(self, value):
        if isinstance(value, Future):
            return value.datum
        known = self.known.get(id(value))
        return None if known is None else known[1]

    def is_pending(self, value):
        return isinstance(value, Future) or id(value) in self.pending

    # ------------------------------------------------------------------------------------------------- waiting

    def wait(self, data):
        found = []
        for datum in data:
            value = self.values[datum]
            if isinstance(value, _Gone):
                value.raise_error()
            found.append(value if value is NOTHING else pickle.loads(value))
        return found

    def barrier(self):
        if self.failure is not None:
            self.failure.raise_error()

    # ------------------------------------------------------------------------------------------------- groups

    def open_group(self, name):
        self.groups[name] = _Group(name)
        self.open.append(name)
        return len(self.groups)

    def close_group(self, name):
        self.open.remove(name)

    def barrier_group(self, name):
        if name not in self.groups:
            raise LinkError("no group %s" % name)
        group = self.groups[name]
        if group.exception is not None:
            raise group.exception
        if group.failure is not None:
            group.failure.raise_error()

    def cancel_group(self, name):
        self.groups[name].cancelled = True

    def cancel_all(self, reason):
        for group in self.groups.values():
            group.cancelled = True

    # ------------------------------------------------------------------------------------------------- data

    def delete(self, value):
        if isinstance(value, int):
            self.let_go.append(value)
            return True
        self.pending.discard(id(value))
        return self.known.pop(id(value), None) is not None

    def forget_all(self):
        self.known.clear()
        self.pending.clear()

    def get_files(self, paths):
        return paths

    def open_file(self, path, mode):
        return path

    def close_file(self, path):
        self.files.add(os.path.abspath(path))

    def file_exists(self, path):
        return os.path.abspath(path) in self.files

    def delete_file(self, path):
        known = self.file_exists(path)
        self.files.discard(os.path.abspath(path))
        if os.path.exists(path):
            os.remove(path)
        return known

    def number_of_resources(self):
        return 1

    def request_resources(self, count, group=None):
        raise LinkError("there is one node")

    def free_resources(self, count, group=None):
        raise LinkError("there is one node")

    def task_info(self):
        return TaskInfo(1, "inline") if self.depth > 0 else None

    def flush(self):
        pass


def _absolute(value):
    return [_absolute(one) for one in value] if isinstance(value, (list, tuple)) else os.path.abspath(value)


def _flat(value):
    if isinstance(value, (list, tuple)):
        return [leaf for one in value for leaf in _flat(one)]
    return [value]
