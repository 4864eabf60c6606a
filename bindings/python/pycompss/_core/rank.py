"""One process of a task that runs as several: `python -m pycompss._core.rank CALL`. Leaves its result in CALL.RANK."""

import importlib
import os
import pickle
import sys
import traceback
from typing import Any, Dict, List

from pycompss._core import registry


def rank_of_process() -> int:
    for name in ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"):
        if name in os.environ:
            return int(os.environ[name])
    return 0


def laid_out(values: List[Any], layout: Dict[str, int], rank: int) -> List[Any]:
    """The block of a collection that a rank gets; beyond the last block, the first ones again."""
    count = max(1, int(layout.get("block_count", 1)))
    length = max(1, int(layout.get("block_length", 1)))
    stride = max(1, int(layout.get("stride", 1)))
    start = (rank % count) * stride
    return values[start : start + length]


def run(path: str) -> int:
    with open(path, "rb") as file:
        data = file.read()
    call = _load(data)
    rank = rank_of_process()
    try:
        result = _call(call, rank)
        content = {"result": result, "args": call["args"], "kwargs": call["kwargs"]}
    except Exception as error:
        content = {"error": _picklable(error), "traceback": traceback.format_exc()}
    temporary = f"{path}.{rank}.part"
    with open(temporary, "wb") as file:
        pickle.dump(content, file, protocol=5)
    os.replace(temporary, f"{path}.{rank}")
    sys.stdout.flush()
    return 1 if "error" in content else 0


def _load(data: bytes) -> Dict[str, Any]:
    return pickle.loads(data)


def _call(call: Dict[str, Any], rank: int) -> Any:
    importlib.import_module(call["module"])
    declaration = registry.find(call["module"], call["qualname"])
    if declaration is None:
        raise LookupError(f"{call['module']} declares no task {call['qualname']}")
    args = list(call["args"])
    kwargs = dict(call["kwargs"])
    for name, layout in call["layouts"].items():
        positional = declaration.signature.positional
        if name in positional:
            position = positional.index(name)
            args[position] = laid_out(list(args[position]), layout, rank)
        elif name in kwargs:
            kwargs[name] = laid_out(list(kwargs[name]), layout, rank)
    return declaration.function(*args, **kwargs)


def _picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
