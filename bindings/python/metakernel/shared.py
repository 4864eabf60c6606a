"""Files in shared memory: where values above 64 KiB are written once and mapped from."""

import mmap
import os

_MAX_PARTS = 512
_POPULATE_READ = 22  # MADV_POPULATE_READ, Linux 5.14
_POPULATE_FROM = 1 << 20


class SharedFolder:
    """The folder that this process writes its files into; names are its own."""

    def __init__(self, path, prefix):
        self._path = path
        self._prefix = prefix
        self._next = 0

    def write(self, parts):
        """A new file with these parts; gives its path."""
        path = "%s/%s-%d" % (self._path, self._prefix, self._next)
        self._next += 1
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write_all(file, [memoryview(part).cast("B") for part in parts if len(part)])
        except BaseException:
            os.unlink(path)
            raise
        finally:
            os.close(file)
        return path


def _write_all(file, views):
    at = 0
    while at < len(views):
        wrote = os.writev(file, views[at : at + _MAX_PARTS])
        while at < len(views) and wrote >= views[at].nbytes:
            wrote -= views[at].nbytes
            at += 1
        if wrote:
            views[at] = views[at][wrote:]


def map_file(path, length):
    """The file as private memory: what is written to it is seen here alone. Alive as long as somebody refers to it."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mapped = mmap.mmap(file, length, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    finally:
        os.close(file)
    if length >= _POPULATE_FROM:
        try:
            mapped.madvise(_POPULATE_READ)
        except OSError:
            pass  # an older kernel: pages come as they are touched
    return memoryview(mapped)
