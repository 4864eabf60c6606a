"""Values in the common form, which every language reads."""

import sys

from metakernel.forms import (
    ALIGNMENT,
    BIGINT,
    BUFFER,
    BUFFER_KIND,
    FLOAT64,
    FRAMED,
    FRAME_ENTRY,
    FRAME_HEAD,
    INT16,
    INT32,
    INT64,
    MAP,
    PLAIN,
    REF,
    SET,
    SMALL_BUFFER,
    SMALL_BUFFER_BYTES,
    UINT16,
    UINT32,
    VIEW_NUMBERS,
)


class NotCommon(Exception):
    """The value has no common form."""


def scalar(value):
    """The common form of None, bool, int of 64 bits, float, str and short bytes; None for anything else."""
    kind = type(value)
    if kind is int:
        if -32 <= value < 128:
            return _SMALL_INTS[value + 32]
        if -32768 <= value < 32768:
            return b"\x01\xd1" + INT16.pack(value)
        if -2147483648 <= value < 2147483648:
            return b"\x01\xd2" + INT32.pack(value)
        if -(1 << 63) <= value < 1 << 63:
            return b"\x01\xd3" + INT64.pack(value)
        return None
    if kind is float:
        return b"\x01\xcb" + FLOAT64.pack(value)
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
    if kind is bytes and len(value) <= SMALL_BUFFER_BYTES:
        return b"\x01" + _small_buffer(BUFFER_KIND, value)
    return None


_SMALL_INTS = [bytes((PLAIN, value & 0xFF)) for value in range(-32, 128)]


def _text_head(length):
    return bytes((0xA0 | length,)) if length < 32 else b"\xdb" + UINT32.pack(length)


def _small_buffer(kind, content):
    return b"\xc9" + UINT32.pack(len(content) + 1) + bytes((SMALL_BUFFER, kind)) + bytes(content)


def _header(length, short, long):
    if length < 16:
        return bytes((short | length,))
    if length < 65536:
        return bytes((long,)) + UINT16.pack(length)
    return bytes((long + 1,)) + UINT32.pack(length)


def _unsigned(value):
    return bytes((value,)) if value < 128 else b"\xce" + UINT32.pack(value)


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
        table = [FRAME_HEAD.pack(FRAMED, len(head), at, count)]
        tail = [head]
        for content in self._buffers:
            start = -(-end // ALIGNMENT) * ALIGNMENT
            tail.append(bytes(start - end))
            tail.append(content)
            table.append(FRAME_ENTRY.pack(start, content.nbytes))
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
            self._buffer(BUFFER_KIND, memoryview(value))
        elif kind is int:
            digits = b"%x" % abs(value)
            self._out.append(b"\xc9" + UINT32.pack(len(digits) + 1) + bytes((BIGINT, value < 0)) + digits)
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
            number = VIEW_NUMBERS.get(value.dtype.str[1:])
            if number is None:
                raise NotCommon("an array of %s" % value.dtype)
            self._buffer(number, memoryview(numpy.ascontiguousarray(value)).cast("B"))
        elif kind.__name__ == "array" and kind.__module__ == "array":
            letter = {"f": "f", "d": "f"}.get(value.typecode, "u" if value.typecode.isupper() else "i")
            number = VIEW_NUMBERS.get("%s%d" % (letter, value.itemsize))
            if number is None or value.typecode in "uw":
                raise NotCommon("an array of characters")
            self._buffer(number, memoryview(value).cast("B"))
        else:
            raise NotCommon("an instance of %s" % kind.__name__)

    def _buffer(self, kind, content):
        if content.nbytes <= SMALL_BUFFER_BYTES:
            self._out.append(_small_buffer(kind, content))
        else:
            self._out.append(bytes((0xD4, BUFFER, kind)) + _unsigned(len(self._buffers)))
            self._buffers.append(content)


def common(value, ref=None):
    """The value in the common form, as bytes. Raises NotCommon."""
    return b"".join(CommonWriter(ref).parts(value)[0])
