"""Objects in files: pickle, and dill for what pickle does not take."""

import importlib
import pickle
from typing import Any, List

from pycompss.util.exceptions import SerializerException


def serialize_to_file(obj: Any, file_name: str) -> None:
    data = serialize_to_bytes(obj)
    with open(file_name, "wb") as file:
        file.write(data)


def deserialize_from_file(file_name: str) -> Any:
    with open(file_name, "rb") as file:
        return deserialize_from_bytes(file.read())


def serialize_to_bytes(obj: Any) -> bytes:
    errors: List[str] = []
    for name in ("pickle", "dill"):
        try:
            return importlib.import_module(name).dumps(obj, protocol=pickle.HIGHEST_PROTOCOL)
        except ImportError:
            continue
        except Exception as error:
            errors.append(f"{name}: {error}")
    raise SerializerException(f"a {type(obj).__name__} cannot be serialised ({'; '.join(errors)})")


def deserialize_from_bytes(data: bytes) -> Any:
    return pickle.loads(data)


def serialize_objects(to_serialize: Any) -> None:
    """Pairs of object and file name."""
    for obj, file_name in to_serialize:
        serialize_to_file(obj, file_name)
