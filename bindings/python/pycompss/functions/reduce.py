"""Reductions written as calls of a task that takes two values, or n."""

from collections import deque
from typing import Any, Callable, Deque, List, Sequence


def merge_reduce(f: Callable, data: Sequence[Any]) -> Any:
    """Pairs first, then pairs of their results: depth log2 of the length. None for nothing."""
    queue: Deque[Any] = deque(data)
    if not queue:
        return None
    while len(queue) > 1:
        first = queue.popleft()
        queue.append(f(first, queue.popleft()))
    return queue[0]


def merge_n_reduce(f: Callable, arity: int, data: Sequence[Any]) -> Any:
    """`f` takes `arity` values; the last call may get fewer."""
    if arity < 2:
        raise ValueError(f"arity must be at least 2, not {arity}")
    queue: Deque[Any] = deque(data)
    if not queue:
        return None
    while len(queue) > 1:
        part: List[Any] = [queue.popleft() for _ in range(min(arity, len(queue)))]
        queue.append(f(*part))
    return queue[0]


mergeReduce = merge_reduce  # noqa: N816  (spelling of earlier versions)
mergeNReduce = merge_n_reduce  # noqa: N816
