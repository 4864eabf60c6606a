"""Numbers of the byte layout of values: ``src/runtime/data/value-format.ts`` has the same."""

import struct

PLAIN, FRAMED, RAW, PYTHON = 1, 2, 3, 4
ALIGNMENT = 64
#: Views up to this size lie in the head.
SMALL_BUFFER_BYTES = 256

UNDEFINED, REF, BUFFER, SMALL_BUFFER, MAP, SET, ERROR, REGEXP, DATE, BIGINT, INSTANCE, SEEN, TRACKED, NUMBERS, UTF16 = range(15)
#: numpy's names of the views, by their number; None: plain bytes.
VIEWS = ("int8", "uint8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64", "uint64", None,
         None, None, None)
VIEW_NUMBERS = {"i1": 0, "u1": 1, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8, "i8": 9, "u8": 10}
ARRAY_CODES = {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f",
               "float64": "d", "int64": "q", "uint64": "Q"}
BUFFER_KIND = 11

FRAME_HEAD = struct.Struct("<IIII")
FRAME_ENTRY = struct.Struct("<dd")
INT8 = struct.Struct(">b")
INT16 = struct.Struct(">h")
INT32 = struct.Struct(">i")
INT64 = struct.Struct(">q")
UINT8 = struct.Struct(">B")
UINT16 = struct.Struct(">H")
UINT32 = struct.Struct(">I")
FLOAT64 = struct.Struct(">d")
