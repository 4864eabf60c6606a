"""Reads values in the common form."""

import struct

from metakernel.forms import (
    ARRAY_CODES,
    BIGINT,
    BUFFER,
    DATE,
    ERROR,
    FLOAT64,
    INSTANCE,
    INT16,
    INT32,
    INT64,
    INT8,
    MAP,
    NUMBERS,
    REF,
    REGEXP,
    SEEN,
    SET,
    SMALL_BUFFER,
    TRACKED,
    UINT16,
    UINT32,
    UINT8,
    UNDEFINED,
    UTF16,
    VIEWS,
)


class Opaque:
    """A value that cannot be read here, and why."""

    def __init__(self, reason):
        self.reason = reason

    def __repr__(self):
        return "<value of another language: %s>" % self.reason


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
            return self._unpack(UINT16)
        return self._unpack(UINT32)

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

            seconds = FLOAT64.unpack(content)[0] / 1000
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
    0xCB: lambda r: r._unpack(FLOAT64),
    0xCC: lambda r: r._unpack(UINT8),
    0xCD: lambda r: r._unpack(UINT16),
    0xCE: lambda r: r._unpack(UINT32),
    0xD0: lambda r: r._unpack(INT8),
    0xD1: lambda r: r._unpack(INT16),
    0xD2: lambda r: r._unpack(INT32),
    0xD3: lambda r: r._unpack(INT64),
    0xD4: lambda r: r._tagged(),
    0xD7: lambda r: r._ext(8),
    0xC9: lambda r: r._ext(r._unpack(UINT32)),
    0xDB: lambda r: r._text(r._unpack(UINT32)),
    0xDC: lambda r: r._list(r._unpack(UINT16)),
    0xDD: lambda r: r._list(r._unpack(UINT32)),
    0xDE: lambda r: r._dict(r._unpack(UINT16)),
    0xDF: lambda r: r._dict(r._unpack(UINT32)),
}


def _hashable(value):
    if type(value) is list:
        return tuple(_hashable(one) for one in value)
    return frozenset(value) if type(value) is set else value


def _view(kind, content):
    name = VIEWS[kind]
    if name is None:
        return bytes(content)
    numpy = _numpy()
    if numpy is not None:
        return numpy.frombuffer(content, dtype=name)
    import array

    return array.array(ARRAY_CODES[name], bytes(content))


def _numpy():
    try:
        import numpy

        return numpy
    except ImportError:
        return None
