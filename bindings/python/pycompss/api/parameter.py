"""Constants that say how a task uses its parameters. Programs import them with `*`."""

from enum import IntEnum

from pycompss._core import spec as _spec

Type = _spec.TYPE_KEY
Direction = _spec.DIRECTION_KEY
StdIOStream = _spec.STREAM_KEY
Prefix = _spec.PREFIX_KEY
Depth = _spec.DEPTH_KEY
Weight = _spec.WEIGHT_KEY
Keep_rename = _spec.KEEP_RENAME_KEY
Cache = _spec.CACHE_KEY

#: Keys of an MPI layout.
block_count = "block_count"
block_length = "block_length"
stride = "stride"


class DIRECTION(IntEnum):
    IN = _spec.IN
    OUT = _spec.OUT
    INOUT = _spec.INOUT
    CONCURRENT = _spec.CONCURRENT
    COMMUTATIVE = _spec.COMMUTATIVE
    IN_DELETE = _spec.IN_DELETE


class IOSTREAM(IntEnum):
    STDIN = _spec.STDIN
    STDOUT = _spec.STDOUT
    STDERR = _spec.STDERR
    UNSPECIFIED = _spec.UNSPECIFIED


class PREFIX:
    PREFIX = "null"


class TYPE(IntEnum):
    """Data types in the order of COMPSs's protocols."""

    BOOLEAN = 0
    CHAR = 1
    BYTE = 2
    SHORT = 3
    INT = 4
    LONG = 5
    FLOAT = 6
    DOUBLE = 7
    STRING = 8
    STRING_64 = 9
    FILE = 10
    OBJECT = 11
    PSCO = 12
    EXTERNAL_PSCO = 13
    BINDING_OBJECT = 14
    WCHAR = 15
    WSTRING = 16
    LONGLONG = 17
    VOID = 18
    ANY = 19
    ARRAY_CHAR = 20
    ARRAY_BYTE = 21
    ARRAY_SHORT = 22
    ARRAY_INT = 23
    ARRAY_LONG = 24
    ARRAY_FLOAT = 25
    ARRAY_DOUBLE = 26
    COLLECTION = 27
    DICT_COLLECTION = 28
    STREAM = 29
    EXTERNAL_STREAM = 30
    ENUM = 31
    NULL = 32
    DIRECTORY = 33


STDIN = _spec.STDIN
STDOUT = _spec.STDOUT
STDERR = _spec.STDERR


def _constant(name: str, kind: str, direction: int, stream: int = _spec.UNSPECIFIED) -> _spec.ParameterConstant:
    return _spec.ParameterConstant(name, _spec.ParameterSpec(kind=kind, direction=direction, stream=stream))


IN = _constant("IN", _spec.OBJECT, _spec.IN)
OUT = _constant("OUT", _spec.OBJECT, _spec.OUT)
INOUT = _constant("INOUT", _spec.OBJECT, _spec.INOUT)
CONCURRENT = _constant("CONCURRENT", _spec.OBJECT, _spec.CONCURRENT)
COMMUTATIVE = _constant("COMMUTATIVE", _spec.OBJECT, _spec.COMMUTATIVE)
IN_DELETE = _constant("IN_DELETE", _spec.OBJECT, _spec.IN_DELETE)

FILE = _constant("FILE", _spec.FILE, _spec.IN)
FILE_IN = _constant("FILE_IN", _spec.FILE, _spec.IN)
FILE_OUT = _constant("FILE_OUT", _spec.FILE, _spec.OUT)
FILE_INOUT = _constant("FILE_INOUT", _spec.FILE, _spec.INOUT)
FILE_CONCURRENT = _constant("FILE_CONCURRENT", _spec.FILE, _spec.CONCURRENT)
FILE_COMMUTATIVE = _constant("FILE_COMMUTATIVE", _spec.FILE, _spec.COMMUTATIVE)

FILE_STDIN = _constant("FILE_STDIN", _spec.FILE, _spec.IN, _spec.STDIN)
FILE_STDOUT = _constant("FILE_STDOUT", _spec.FILE, _spec.OUT, _spec.STDOUT)
FILE_STDERR = _constant("FILE_STDERR", _spec.FILE, _spec.OUT, _spec.STDERR)
FILE_IN_STDIN = _constant("FILE_IN_STDIN", _spec.FILE, _spec.IN, _spec.STDIN)
FILE_IN_STDOUT = _constant("FILE_IN_STDOUT", _spec.FILE, _spec.IN, _spec.STDOUT)
FILE_IN_STDERR = _constant("FILE_IN_STDERR", _spec.FILE, _spec.IN, _spec.STDERR)
FILE_OUT_STDIN = _constant("FILE_OUT_STDIN", _spec.FILE, _spec.OUT, _spec.STDIN)
FILE_OUT_STDOUT = _constant("FILE_OUT_STDOUT", _spec.FILE, _spec.OUT, _spec.STDOUT)
FILE_OUT_STDERR = _constant("FILE_OUT_STDERR", _spec.FILE, _spec.OUT, _spec.STDERR)
FILE_INOUT_STDIN = _constant("FILE_INOUT_STDIN", _spec.FILE, _spec.INOUT, _spec.STDIN)
FILE_INOUT_STDOUT = _constant("FILE_INOUT_STDOUT", _spec.FILE, _spec.INOUT, _spec.STDOUT)
FILE_INOUT_STDERR = _constant("FILE_INOUT_STDERR", _spec.FILE, _spec.INOUT, _spec.STDERR)
FILE_CONCURRENT_STDIN = _constant("FILE_CONCURRENT_STDIN", _spec.FILE, _spec.CONCURRENT, _spec.STDIN)
FILE_CONCURRENT_STDOUT = _constant("FILE_CONCURRENT_STDOUT", _spec.FILE, _spec.CONCURRENT, _spec.STDOUT)
FILE_CONCURRENT_STDERR = _constant("FILE_CONCURRENT_STDERR", _spec.FILE, _spec.CONCURRENT, _spec.STDERR)
FILE_COMMUTATIVE_STDIN = _constant("FILE_COMMUTATIVE_STDIN", _spec.FILE, _spec.COMMUTATIVE, _spec.STDIN)
FILE_COMMUTATIVE_STDOUT = _constant("FILE_COMMUTATIVE_STDOUT", _spec.FILE, _spec.COMMUTATIVE, _spec.STDOUT)
FILE_COMMUTATIVE_STDERR = _constant("FILE_COMMUTATIVE_STDERR", _spec.FILE, _spec.COMMUTATIVE, _spec.STDERR)

DIRECTORY = _constant("DIRECTORY", _spec.DIRECTORY, _spec.IN)
DIRECTORY_IN = _constant("DIRECTORY_IN", _spec.DIRECTORY, _spec.IN)
DIRECTORY_OUT = _constant("DIRECTORY_OUT", _spec.DIRECTORY, _spec.OUT)
DIRECTORY_INOUT = _constant("DIRECTORY_INOUT", _spec.DIRECTORY, _spec.INOUT)

COLLECTION = _constant("COLLECTION", _spec.COLLECTION, _spec.IN)
COLLECTION_IN = _constant("COLLECTION_IN", _spec.COLLECTION, _spec.IN)
COLLECTION_INOUT = _constant("COLLECTION_INOUT", _spec.COLLECTION, _spec.INOUT)
COLLECTION_OUT = _constant("COLLECTION_OUT", _spec.COLLECTION, _spec.OUT)
COLLECTION_IN_DELETE = _constant("COLLECTION_IN_DELETE", _spec.COLLECTION, _spec.IN_DELETE)

COLLECTION_FILE = _constant("COLLECTION_FILE", _spec.FILE_COLLECTION, _spec.IN)
COLLECTION_FILE_IN = _constant("COLLECTION_FILE_IN", _spec.FILE_COLLECTION, _spec.IN)
COLLECTION_FILE_INOUT = _constant("COLLECTION_FILE_INOUT", _spec.FILE_COLLECTION, _spec.INOUT)
COLLECTION_FILE_OUT = _constant("COLLECTION_FILE_OUT", _spec.FILE_COLLECTION, _spec.OUT)

DICTIONARY = _constant("DICTIONARY", _spec.DICTIONARY, _spec.IN)
DICTIONARY_IN = _constant("DICTIONARY_IN", _spec.DICTIONARY, _spec.IN)
DICTIONARY_INOUT = _constant("DICTIONARY_INOUT", _spec.DICTIONARY, _spec.INOUT)
DICTIONARY_OUT = _constant("DICTIONARY_OUT", _spec.DICTIONARY, _spec.OUT)
DICTIONARY_IN_DELETE = _constant("DICTIONARY_IN_DELETE", _spec.DICTIONARY, _spec.IN_DELETE)

STREAM_IN = _constant("STREAM_IN", _spec.STREAM, _spec.IN)
STREAM_OUT = _constant("STREAM_OUT", _spec.STREAM, _spec.OUT)
