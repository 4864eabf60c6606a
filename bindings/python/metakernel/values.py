"""Values as bytes. The first byte says the form; ``src/runtime/data/value-format.ts`` has the layout of the common ones.

PLAIN and FRAMED are MessagePack with tags, which every language reads. RAW is bytes. PYTHON is a pickle with its buffers
beside it: ``u8 4, u8 0, u16 length of the name of the main module, u32 buffers, u64 length of the pickle``, for each buffer
``u64 offset, u64 length``, the name, the pickle, the buffers at multiples of 64.
"""

import pickle
import struct
import sys

PLAIN, FRAMED, RAW, PYTHON = 1, 2, 3, 4
INLINE_BYTES = 65536
#: Buffers below this stay inside the pickle.
_OUT_OF_BAND_FROM = 4096
_ALIGNMENT = 64
_PICKLE_HEAD = struct.Struct("<BBHIQ")
_ENTRY = struct.Struct("<QQ")
_FRAME_HEAD = struct.Struct("<IIII")
_FRAME_ENTRY = struct.Struct("<dd")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_UINT16 = struct.Struct(">H")
_UINT32 = struct.Struct(">I")
_FLOAT64 = struct.Struct(">d")

UNDEFINED, REF, BUFFER, SMALL_BUFFER, MAP, SET, ERROR, REGEXP, DATE, BIGINT, INSTANCE, SEEN, TRACKED, NUMBERS, UTF16 = range(15)
#: numpy's names of the views, by their number; None: plain bytes.
_VIEWS = ("int8", "uint8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64", "uint64", None,
          None, None, None)
_VIEW_NUMBERS = {"i1": 0, "u1": 1, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8, "i8": 9, "u8": 10}
_ARRAY_CODES = {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f",
                "float64": "d", "int64": "q", "uint64": "Q"}
_BUFFER_KIND = 11
_SMALL_BUFFER_BYTES = 256


class NotCommon(Exception):
    """The value has no common form."""


class Unpicklable(TypeError):
    """The value can be sent in no form."""


class Opaque:
    """A value that cannot be read here, and why."""

    def __init__(self, reason):
        self.reason = reason

    def __repr__(self):
        return "<value of another language: %s>" % self.reason


# ----------------------------------------------------------------------------------------------------- writing


def scalar(value):
    """The common form of None, bool, int of 64 bits, float, str and short bytes; None for anything else."""
    kind = type(value)
    if kind is int:
        if -32 <= value < 128:
            return _SMALL_INTS[value + 32]
        if -32768 <= value < 32768:
            return b"\x01\xd1" + _INT16.pack(value)
        if -2147483648 <= value < 2147483648:
            return b"\x01\xd2" + _INT32.pack(value)
        if -(1 << 63) <= value < 1 << 63:
            return b"\x01\xd3" + _INT64.pack(value)
        return None
    if kind is float:
        return b"\x01\xcb" + _FLOAT64.pack(value)
    if value is None:
        return b"\x01\xc0"
    if kind is bool:
        return b"\x01\xc3" if value else b"\x01\xc2"
    if kind is str:
        try:
            text = value.encode("utf-8")
        except UnicodeEncodeError:
            return None
        return b"\x01" + _text_head(len(text)) + text
    if kind is bytes and len(value) <= _SMALL_BUFFER_BYTES:
        return b"\x01" + _small_buffer(_BUFFER_KIND, value)
    return None


_SMALL_INTS = [bytes((PLAIN, value & 0xFF)) for value in range(-32, 128)]


def _text_head(length):
    return bytes((0xA0 | length,)) if length < 32 else b"\xdb" + _UINT32.pack(length)


def _small_buffer(kind, content):
    return b"\xc9" + _UINT32.pack(len(content) + 1) + bytes((SMALL_BUFFER, kind)) + bytes(content)


def _header(length, short, long):
    if length < 16:
        return bytes((short | length,))
    if length < 65536:
        return bytes((long,)) + _UINT16.pack(length)
    return bytes((long + 1,)) + _UINT32.pack(length)


def _unsigned(value):
    return bytes((value,)) if value < 128 else b"\xce" + _UINT32.pack(value)


class CommonWriter:
    """Writes one value in the common form. ``ref(value)`` gives the index of an access that stands for it, or -1."""

    def __init__(self, ref=None):
        self._ref = ref
        self._out = []
        self._buffers = []
        self._depth = 0

    def parts(self, value):
        """Parts of the encoded value, and their length together."""
        self._write(value)
        head = b"".join(self._out)
        if not self._buffers:
            return [b"\x01", head], 1 + len(head)
        count = len(self._buffers)
        at = 16 + 16 * count
        end = at + len(head)
        table = [_FRAME_HEAD.pack(FRAMED, len(head), at, count)]
        tail = [head]
        for content in self._buffers:
            start = -(-end // _ALIGNMENT) * _ALIGNMENT
            tail.append(bytes(start - end))
            tail.append(content)
            table.append(_FRAME_ENTRY.pack(start, content.nbytes))
            end = start + content.nbytes
        return table + tail, end

    def _write(self, value):
        plain = scalar(value)
        if plain is not None:
            self._out.append(plain[1:])
            return
        if self._ref is not None:
            index = self._ref(value)
            if index >= 0:
                self._out.append(bytes((0xD4, REF, 0)) + _unsigned(index))
                return
        kind = type(value)
        self._depth += 1
        if self._depth > 180:
            raise NotCommon("it is nested too deep")
        if kind is list or kind is tuple:
            self._out.append(_header(len(value), 0x90, 0xDC))
            for one in value:
                self._write(one)
        elif kind is dict:
            self._dict(value)
        elif kind is set or kind is frozenset:
            self._out.append(bytes((0xD4, SET, 0)) + _header(len(value), 0x90, 0xDC))
            for one in value:
                self._write(one)
        elif kind is bytes or kind is bytearray:
            self._buffer(_BUFFER_KIND, memoryview(value))
        elif kind is int:
            digits = b"%x" % abs(value)
            self._out.append(b"\xc9" + _UINT32.pack(len(digits) + 1) + bytes((BIGINT, value < 0)) + digits)
        else:
            self._array(value, kind)
        self._depth -= 1

    def _dict(self, value):
        if all(type(key) is str for key in value):
            self._out.append(_header(len(value), 0x80, 0xDE))
        else:
            self._out.append(bytes((0xD4, MAP, 0)) + _header(2 * len(value), 0x90, 0xDC))
        for key, one in value.items():
            self._write(key)
            self._write(one)

    def _array(self, value, kind):
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.generic) and value.dtype.kind in "biuf":
            self._write(value.item())
        elif numpy is not None and kind is numpy.ndarray and value.ndim == 1 and value.dtype.isnative:
            number = _VIEW_NUMBERS.get(value.dtype.str[1:])
            if number is None:
                raise NotCommon("an array of %s" % value.dtype)
            self._buffer(number, memoryview(numpy.ascontiguousarray(value)).cast("B"))
        elif kind.__name__ == "array" and kind.__module__ == "array":
            letter = {"f": "f", "d": "f"}.get(value.typecode, "u" if value.typecode.isupper() else "i")
            number = _VIEW_NUMBERS.get("%s%d" % (letter, value.itemsize))
            if number is None or value.typecode in "uw":
                raise NotCommon("an array of characters")
            self._buffer(number, memoryview(value).cast("B"))
        else:
            raise NotCommon("an instance of %s" % kind.__name__)

    def _buffer(self, kind, content):
        if content.nbytes <= _SMALL_BUFFER_BYTES:
            self._out.append(_small_buffer(kind, content))
        else:
            self._out.append(bytes((0xD4, BUFFER, kind)) + _unsigned(len(self._buffers)))
            self._buffers.append(content)


def common(value, ref=None):
    """The value in the common form, as bytes. Raises NotCommon."""
    return b"".join(CommonWriter(ref).parts(value)[0])


def pickled(value, dumps=None):
    """Parts of the value as a pickle with its buffers beside it, and their length together. Raises Unpicklable."""
    buffers = []

    def keep(buffer):
        raw = buffer.raw()
        if raw.nbytes < _OUT_OF_BAND_FROM:
            return True
        buffers.append(raw)
        return False

    try:
        content = pickle.dumps(value, 5, buffer_callback=keep) if dumps is None else dumps(value, keep)
    except Exception as error:  # a class's own __reduce__ may raise anything
        del buffers[:]
        content = _dilled(value, error)
    name = _main_name() if b"__main__" in content else b""
    end = 16 + 16 * len(buffers) + len(name) + len(content)
    if not buffers:
        return [_PICKLE_HEAD.pack(PYTHON, 0, len(name), 0, len(content)), name, content], end
    head = [_PICKLE_HEAD.pack(PYTHON, 0, len(name), len(buffers), len(content))]
    tail = [name, content]
    for raw in buffers:
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
        head.append(_ENTRY.pack(start, raw.nbytes))
        tail.append(bytes(start - end))
        tail.append(raw)
        end = start + raw.nbytes
    return head + tail, end


def _dilled(value, error):
    try:
        import dill
    except ImportError:
        raise Unpicklable("%s cannot be pickled (%s), and dill is not installed" % (_name_of(value), error)) from error
    try:
        return dill.dumps(value, protocol=5, recurse=True)
    except Exception as second:
        raise Unpicklable("%s can be pickled neither by pickle (%s) nor by dill (%s)"
                          % (_name_of(value), error, second)) from error


def _name_of(value):
    return "an instance of %s.%s" % (type(value).__module__, type(value).__qualname__)


def encoded(value, common_first=False):
    """Parts of the value in the form that it travels in, and their length together."""
    plain = scalar(value)
    if plain is not None:
        return [plain], len(plain)
    if common_first:
        try:
            return CommonWriter().parts(value)
        except NotCommon:
            pass
    return pickled(value)


# ------------------------------------------------------------------------------------------------- main modules

#: Name under which others import the module that runs as ``__main__`` here.
main_module = None


def _main_name():
    return main_module.encode("utf-8") if main_module else b""


def adopt_main(name):
    """``__main__`` in what is unpickled here means the module of that name."""
    current = sys.modules.get("__main__")
    if getattr(current, "__metakernel_name__", None) == name or main_module == name:
        return
    import importlib

    module = importlib.import_module(name)
    module.__metakernel_name__ = name
    sys.modules["__main__"] = module


# ----------------------------------------------------------------------------------------------------- reading


def decode(content, resolve=None, owned=False):
    """The value in these bytes. ``resolve(index)``: the value of an access, in argument lists. ``owned``: the memory
    may be written to and lives as long as somebody refers to it (a private mapping)."""
    form = content[0]
    if form == PLAIN:
        return CommonReader(content, 1, resolve).value()
    if form == PYTHON:
        return unpickled(content, owned)
    if form == FRAMED:
        return _framed(content, resolve, owned)
    if form == RAW:
        return bytes(content[1:])
    raise ValueError("form %d of a value means nothing" % form)


def unpickled(content, owned=False):
    _, _, name_length, count, length = _PICKLE_HEAD.unpack_from(content, 0)
    at = 16 + 16 * count
    if count and not owned:
        content = memoryview(bytearray(content))
    if name_length:
        adopt_main(str(content[at : at + name_length], "utf-8"))
        at += name_length
    if not count:
        return pickle.loads(content[at : at + length])
    view = memoryview(content)
    buffers = []
    for entry in range(count):
        start, size = _ENTRY.unpack_from(content, 16 + 16 * entry)
        buffers.append(view[start : start + size])
    return pickle.loads(view[at : at + length], buffers=buffers)


def _framed(content, resolve, owned):
    _, length, at, count = _FRAME_HEAD.unpack_from(content, 0)
    view = memoryview(content)
    buffers = []
    for entry in range(count):
        start, size = _FRAME_ENTRY.unpack_from(content, 16 + 16 * entry)
        part = view[int(start) : int(start) + int(size)]
        buffers.append(part if owned else memoryview(bytearray(part)))
    return CommonReader(view[at : at + length], 0, resolve, buffers).value()


class CommonReader:
    """Reads one value in the common form."""

    def __init__(self, content, start, resolve=None, buffers=None):
        self._bytes = content
        self._at = start
        self._resolve = resolve
        self._buffers = buffers
        self._seen = None

    def value(self):
        token = self._bytes[self._at]
        self._at += 1
        if token < 0x80:
            return token
        if token >= 0xE0:
            return token - 0x100
        if token < 0x90:
            return self._dict(token & 0x0F)
        if token < 0xA0:
            return self._list(token & 0x0F)
        if token < 0xC0:
            return self._text(token & 0x1F)
        reader = _LONG.get(token)
        if reader is None:
            raise ValueError("byte 0x%x means nothing in a value" % token)
        return reader(self)

    def _unpack(self, form):
        value = form.unpack_from(self._bytes, self._at)[0]
        self._at += form.size
        return value

    def _take(self, length):
        start = self._at
        self._at = start + length
        return self._bytes[start : start + length]

    def _text(self, length):
        return str(self._take(length), "utf-8", "surrogatepass")

    def _begin(self, value):
        if self._seen is not None:
            self._seen.append(value)
        return value

    def _hold(self):
        if self._seen is None:
            return -1
        self._seen.append(None)
        return len(self._seen) - 1

    def _fill(self, slot, value):
        if slot >= 0:
            self._seen[slot] = value
        return value

    def _list(self, length):
        found = self._begin([])
        for _ in range(length):
            found.append(self.value())
        return found

    def _dict(self, length):
        found = self._begin({})
        for _ in range(length):
            key = self.value()
            found[key] = self.value()
        return found

    def _count(self):
        token = self._bytes[self._at]
        self._at += 1
        if 0x90 <= token < 0xA0:
            return token & 0x0F
        if token == 0xDC:
            return self._unpack(_UINT16)
        return self._unpack(_UINT32)

    def _tagged(self):
        tag = self._bytes[self._at]
        payload = self._bytes[self._at + 1]
        self._at += 2
        if tag == UNDEFINED:
            return None
        if tag == REF:
            return self._resolve(self.value())
        if tag == BUFFER:
            slot = self._hold()
            return self._fill(slot, _view(payload, self._buffers[self.value()]))
        if tag == MAP:
            found = self._begin({})
            for _ in range(self._count() // 2):
                key = self.value()
                found[_hashable(key)] = self.value()
            return found
        if tag == SET:
            found = self._begin(set())
            for _ in range(self._count()):
                found.add(_hashable(self.value()))
            return found
        if tag == ERROR:
            slot = self._hold()
            self._count()
            name, message, _ = self.value(), self.value(), self.value()
            self.value()
            return self._fill(slot, RuntimeError("%s: %s" % (name, message)))
        if tag == SEEN:
            return self._seen[self.value()]
        if tag == TRACKED:
            self._seen = []
            return self.value()
        if tag == INSTANCE:
            slot = self._hold()
            name = self.value()
            self.value()
            return self._fill(slot, Opaque("an instance of the JavaScript class %s" % name))
        if tag == REGEXP:
            slot = self._hold()
            return self._fill(slot, Opaque("the regular expression %s" % self.value()))
        raise ValueError("tag %d means nothing in a value" % tag)

    def _ext(self, length):
        tag = self._bytes[self._at]
        self._at += 1
        content = self._take(length)
        if tag == SMALL_BUFFER:
            return self._begin(_view(content[0], memoryview(bytearray(content[1:]))))
        if tag == NUMBERS:
            block = content[1 + content[0] :]
            numbers = struct.unpack("<%dd" % (len(block) // 8), block)
            return self._begin([int(n) if n.is_integer() and abs(n) < 9007199254740992 else n for n in numbers])
        if tag == DATE:
            import datetime

            seconds = _FLOAT64.unpack(content)[0] / 1000
            return self._begin(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))
        if tag == BIGINT:
            magnitude = int(bytes(content[1:]), 16)
            return -magnitude if content[0] else magnitude
        if tag == UTF16:
            return bytes(content).decode("utf-16-le", "surrogatepass")
        raise ValueError("extension %d means nothing in a value" % tag)


_LONG = {
    0xC0: lambda r: None,
    0xC2: lambda r: False,
    0xC3: lambda r: True,
    0xCB: lambda r: r._unpack(_FLOAT64),
    0xCC: lambda r: r._unpack(struct.Struct(">B")),
    0xCD: lambda r: r._unpack(_UINT16),
    0xCE: lambda r: r._unpack(_UINT32),
    0xD0: lambda r: r._unpack(struct.Struct(">b")),
    0xD1: lambda r: r._unpack(_INT16),
    0xD2: lambda r: r._unpack(_INT32),
    0xD3: lambda r: r._unpack(_INT64),
    0xD4: lambda r: r._tagged(),
    0xD7: lambda r: r._ext(8),
    0xC9: lambda r: r._ext(r._unpack(_UINT32)),
    0xDB: lambda r: r._text(r._unpack(_UINT32)),
    0xDC: lambda r: r._list(r._unpack(_UINT16)),
    0xDD: lambda r: r._list(r._unpack(_UINT32)),
    0xDE: lambda r: r._dict(r._unpack(_UINT16)),
    0xDF: lambda r: r._dict(r._unpack(_UINT32)),
}


def _hashable(value):
    if type(value) is list:
        return tuple(_hashable(one) for one in value)
    return frozenset(value) if type(value) is set else value


def _view(kind, content):
    name = _VIEWS[kind]
    if name is None:
        return bytes(content)
    numpy = _numpy()
    if numpy is not None:
        return numpy.frombuffer(content, dtype=name)
    import array

    return array.array(_ARRAY_CODES[name], bytes(content))


def _numpy():
    try:
        import numpy

        return numpy
    except ImportError:
        return None
