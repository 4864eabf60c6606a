"""Files in shared memory: where values above 64 KiB are written once and mapped from."""

import errno
import mmap
import os

_MAX_PARTS = 512
_POPULATE_READ = 22  # MADV_POPULATE_READ, Linux 5.14
_POPULATE_FROM = 1 << 20
#: Smaller values are written without a look at what is free.
_CHECKED_FROM = 1 << 20


class SharedFolder:
    """The folder that this process writes its files into, and another on a disk for what has no room there."""

    def __init__(self, path, overflow, prefix):
        self._path = path
        self._overflow = overflow
        self._prefix = prefix
        self._next = 0

    def write(self, parts):
        """A new file with these parts; gives its path."""
        views = [memoryview(part).cast("B") for part in parts if len(part)]
        size = sum(view.nbytes for view in views)
        if size < _CHECKED_FROM or _has_room(self._path, size):
            try:
                return self._write(self._path, views)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        return self._write(self._overflow, views)

    def _write(self, folder, views):
        path = "%s/%s-%d" % (folder, self._prefix, self._next)
        self._next += 1
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write_all(file, list(views))
        except BaseException:
            os.unlink(path)
            raise
        finally:
            os.close(file)
        return path


def _has_room(path, size):
    """A tenth of the file system and of the machine's memory stays free."""
    found = os.statvfs(path)
    if (found.f_bavail * found.f_frsize - size) * 10 < found.f_blocks * found.f_frsize:
        return False
    total = available = 0
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemTotal:"):
                total = int(line.split()[1]) * 1024
            elif line.startswith("MemAvailable:"):
                available = int(line.split()[1]) * 1024
                break
    return (available - size) * 10 >= total


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
    return memoryview(map_whole(path, length)[0])


def map_whole(path, length):
    """The mapping, and the status of the file."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mapped = mmap.mmap(file, length, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        status = os.fstat(file)
    finally:
        os.close(file)
    if length >= _POPULATE_FROM:
        try:
            mapped.madvise(_POPULATE_READ)
        except OSError:
            pass  # an older kernel: pages come as they are touched
    return mapped, status
