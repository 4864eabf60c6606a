"""Turns the arguments of one call into accesses and bytes."""

import io
import pickle
import weakref

from metakernel import places, values
from metakernel.errors import LinkError
from metakernel.link import DIRECTIONS, Future
from metakernel.places import EmptyPlace, Place

_DIRECTION = {name: number for number, name in enumerate(DIRECTIONS)}
_WRITING = frozenset(("OUT", "INOUT", "CONCURRENT", "COMMUTATIVE"))
_LITERALS = frozenset((int, float, str, bool, type(None), complex))
#: An object of this size is a datum of its own.
_STORED_FROM = values.INLINE_BYTES
#: One smaller than this is not worth a datum, whatever the call weighs.
_SMALL = 4096
_INNER = (list, tuple, set, frozenset, bytearray, dict)


class CallBuilder:
    """Turns the arguments of one call into accesses and bytes."""

    def __init__(self, owner, call):
        self._link = owner
        self._call = call
        self._python = owner.worker.elements_by_number[call.element][2] == "PYTHON"
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
            try:
                return self._pickle(args, kwargs, extra)
            except values.Unpicklable as error:
                self._blame(args, kwargs)
                raise error
        return values.common(args + list(kwargs.values()), self._ref)

    def _blame(self, args, kwargs):
        """Says which argument cannot be sent, where one alone is the cause."""
        signature = self._link.worker.elements_by_number[self._call.element][3]
        positional = [argument.name for argument in self._call.arguments if not argument.keyword]
        given = list(zip(positional, args)) + list(kwargs.items())
        for place, (name, value) in enumerate(given):
            try:
                self._encoded(value)
            except values.Unpicklable as error:
                which = "number %d" % (place + 1) if name is None else name
                raise values.Unpicklable("Task %s cannot be given its argument %s: %s"
                                         % (signature, which, error)) from error.__cause__

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
            return values.pickled(value, self._dumps if self._link.tracked else None)
        finally:
            places.set_builder(before)

    def _dumps(self, value, keep):
        """As ``pickle.dumps``, with places for tracked instances of classes."""
        content = io.BytesIO()
        pickler = TrackingPickler(content, 5, buffer_callback=keep)
        pickler.builder = self
        pickler.tracked = self._link.tracked
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
        handle = self._link.store(parts, size)
        try:
            weakref.ref(value)
            self._link.track(value, handle, False)
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
        found = self._link.tracked.get(id(value))
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
        found = self._link.tracked.get(id(value))
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
            found = owner.tracked.get(id(value))
            if found is None:
                handle = owner.declare_empty() if direction == "OUT" else owner.store(*self._encoded(value))
                found = owner.track(value, handle, True)
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
        state = self._link.files.need(value, kind)
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


class TrackingPickler(pickle.Pickler):
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
