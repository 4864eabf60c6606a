"""Values as bytes. The first byte says the form; ``src/runtime/data/value-format.ts`` has the layout of the common ones.

PLAIN and FRAMED are MessagePack with tags, which every language reads. RAW is bytes. PYTHON is a pickle with its buffers
beside it: ``u8 4, u8 0, u16 length of the name of the main module, u32 buffers, u64 length of the pickle``, for each buffer
``u64 offset, u64 length``, the name, the pickle, the buffers at multiples of 64.
"""

import pickle
import struct
import sys

from metakernel.common_reader import CommonReader
from metakernel.common_writer import CommonWriter, NotCommon, common, scalar  # noqa: F401  part of this module's names
from metakernel.forms import ALIGNMENT, FRAME_ENTRY, FRAME_HEAD, FRAMED, PLAIN, PYTHON, RAW

INLINE_BYTES = 65536
#: Buffers below this stay inside the pickle.
_OUT_OF_BAND_FROM = 4096
_PICKLE_HEAD = struct.Struct("<BBHIQ")
_ENTRY = struct.Struct("<QQ")


class Unpicklable(TypeError):
    """The value can be sent in no form."""


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
        start = -(-end // ALIGNMENT) * ALIGNMENT
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
    _, length, at, count = FRAME_HEAD.unpack_from(content, 0)
    view = memoryview(content)
    buffers = []
    for entry in range(count):
        start, size = FRAME_ENTRY.unpack_from(content, 16 + 16 * entry)
        part = view[int(start) : int(start) + int(size)]
        buffers.append(part if owned else memoryview(bytearray(part)))
    return CommonReader(view[at : at + length], 0, resolve, buffers).value()
