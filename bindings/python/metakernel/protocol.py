"""Numbers of the records, and frames: ``u32 length``, ``f64 count of words``, the words as float64, bytes.

The other side is ``src/runtime/executor/python/{frame,records}.ts``.
"""

import struct

# To a process.
IMPLEMENTATION, RUN, WAIT_DONE, CLOSE = 1, 2, 3, 4

# From a process.
HELLO, STARTED, SETTLED, SKIPPED, PRINTED = 1, 2, 3, 4, 5
ELEMENT, SUBMIT, WAIT, UNPIN, RELEASE, DECLARE, WRITTEN, OPEN_GROUP, CANCEL = 6, 7, 8, 9, 10, 11, 12, 13, 14

FLAG_ANNOUNCE, FLAG_EXTRA = 1, 2
COMPLETED, FAILED, EXCEPTION, CANCELLED = 1, 2, 3, 4
CONTENT_NONE, CONTENT_INLINE, CONTENT_FILE = 0, 1, 2
OUTPUT_INLINE, OUTPUT_FILE, OUTPUT_DELEGATED = 1, 2, 3
DECLARED_INLINE, DECLARED_SHARED, DECLARED_PATH, DECLARED_NOTHING = 1, 2, 3, 4
TARGET_DATA, TARGET_TASKS, TARGET_GROUP, TARGET_SCOPE = 1, 2, 3, 4
CANCEL_TASK, CANCEL_GROUP, CANCEL_ALL = 1, 2, 3

KINDS = ("value", "file", "directory")

_LENGTH = struct.Struct("<I")
_HEAD = struct.Struct("<Id")


class Out:
    """Records on their way out: ``words`` and ``parts`` are appended to directly."""

    __slots__ = ("words", "parts", "size", "sock", "busy")

    def __init__(self, sock):
        self.words = []
        self.parts = []
        self.size = 0
        self.sock = sock
        self.busy = False

    def bytes(self, content):
        self.words.append(len(content))
        self.parts.append(content)
        self.size += len(content)

    def text(self, content):
        self.bytes(content.encode("utf-8", "surrogatepass"))

    def flush(self):
        words = self.words
        if not words:
            return
        parts = self.parts
        self.words = []
        self.parts = []
        self.size = 0
        count = len(words)
        body = struct.pack("<%dd" % count, *words)
        length = 8 + len(body)
        for part in parts:
            length += len(part)
        self.sock.sendall(b"".join([_HEAD.pack(length, count), body] + parts))


class Frame:
    """One frame as it is read: ``words`` all at once, then bytes."""

    __slots__ = ("words", "at", "data", "byte_at")

    def __init__(self, data, start, end):
        count = int(struct.unpack_from("<d", data, start)[0])
        self.words = struct.unpack_from("<%dd" % count, data, start + 8)
        self.at = 0
        self.data = memoryview(data)[: end]
        self.byte_at = start + 8 + 8 * count

    def word(self):
        value = self.words[self.at]
        self.at += 1
        return int(value)

    def bytes(self):
        length = int(self.words[self.at])
        self.at += 1
        start = self.byte_at
        self.byte_at = start + length
        return self.data[start : start + length]

    def text(self):
        return str(self.bytes(), "utf-8", "surrogatepass")


class Splitter:
    """Cuts what a socket gives into frames. A frame that came in one piece is not copied."""

    def __init__(self):
        self._chunks = []
        self._have = 0
        self._need = 4

    def push(self, data, frame):
        """Calls ``frame(Frame)`` for each that is complete."""
        if self._chunks:
            self._chunks.append(data)
            self._have += len(data)
            if self._have < self._need:
                return
            data = b"".join(self._chunks)
            self._chunks = []
        at = 0
        size = len(data)
        while True:
            if size - at < 4:
                self._need = 4
                break
            end = at + 4 + _LENGTH.unpack_from(data, at)[0]
            if end > size:
                self._need = end - at
                break
            frame(Frame(data, at + 4, end))
            at = end
        if at < size:
            self._chunks = [data[at:] if at else data]
            self._have = size - at
        else:
            self._have = 0
