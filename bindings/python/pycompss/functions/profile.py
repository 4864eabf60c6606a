"""`@Profile()`: memory and time of a call, on stderr or in a file."""

import functools
import resource
import sys
import time
from typing import Any, Callable


class Profile:
    def __init__(self, full_report: bool = True, precision: int = 1, backend: str = "psutil", redirect: str = "") -> None:
        self.full_report = full_report
        self.precision = precision
        self.redirect = redirect

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def profiled(*args: Any, **kwargs: Any) -> Any:
            before = _peak_mib()
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._report(function, time.perf_counter() - start, before, _peak_mib())

        return profiled

    def _report(self, function: Callable, elapsed: float, before: float, after: float) -> None:
        digits = self.precision
        line = f"{function.__module__}.{function.__qualname__}: {elapsed:.6f} s, peak {after:.{digits}f} MiB"
        if self.full_report:
            line += f" (+{after - before:.{digits}f} MiB)"
        if self.redirect:
            with open(self.redirect, "a", encoding="utf-8") as file:
                file.write(line + "\n")
        else:
            sys.stderr.write(line + "\n")


def _peak_mib() -> float:
    """Largest resident size of the process so far; the system counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


profile = Profile
