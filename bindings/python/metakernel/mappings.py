"""Large values stay mapped between the attempts of a worker, so that their pages need not be looked up again.

A mapping is private: what a task writes to an input is seen by it alone. One is used again only when nobody refers to it any
more and the kernel says that every page of it is still the file's.
"""

import ctypes
import os
import weakref
from collections import OrderedDict

from metakernel import shared

#: Smaller files are mapped anew each time.
_KEPT_FROM = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: Share of the machine's memory that may stay mapped in one process.
_SHARE = 16
#: Upper byte of an entry of /proc/self/pagemap: absent, or present and of a file, mapped by others or by nobody else.
_OF_THE_FILE = b"\x00\xa0\xa1"


class Mapping:
    __slots__ = ("length", "inode", "_mapped", "_address", "_lease")

    def __init__(self, path, length):
        self.length = length
        self._mapped, status = shared.map_whole(path, length)
        self.inode = (status.st_dev, status.st_ino)
        self._lease = None
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._mapped))

    def lend(self):
        """Its memory, for a reader; ``free`` when nothing that was made of it is left."""
        lease = (ctypes.c_char * self.length).from_buffer(self._mapped)
        self._lease = weakref.ref(lease)
        return memoryview(lease).cast("B")

    def free(self):
        return self._lease is None or self._lease() is None

    def clean(self, pagemap):
        """No page has been written to."""
        pages = -(-self.length // _PAGE)
        entries = os.pread(pagemap, 8 * pages, 8 * (self._address // _PAGE))
        return len(entries) == 8 * pages and not entries[7::8].translate(None, _OF_THE_FILE)


class Mappings:
    """Those of one process, the ones used last at the end."""

    def __init__(self):
        self._kept = OrderedDict()
        self._bytes = 0
        self._most = os.sysconf("SC_PHYS_PAGES") * _PAGE // _SHARE
        try:
            self._pagemap = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._pagemap = None

    def __len__(self):
        return len(self._kept)

    def read(self, path, length):
        """The content of the file as memory that may be written to."""
        if length < _KEPT_FROM or length > self._most or self._pagemap is None:
            return shared.map_file(path, length)
        known = self._kept.get(path)
        if known is not None:
            if not known.free():
                return shared.map_file(path, length)
            if self._as_it_was(known, path, length):
                self._kept.move_to_end(path)
                return known.lend()
            self._forget(path)
        self.forget_removed()
        mapping = self._kept[path] = Mapping(path, length)
        self._bytes += length
        while self._bytes > self._most:
            self._forget(next(iter(self._kept)))
        return mapping.lend()

    def _as_it_was(self, known, path, length):
        status = os.stat(path)
        same = known.length == length and known.inode == (status.st_dev, status.st_ino)
        return same and known.clean(self._pagemap)

    def forget_removed(self):
        """A mapping of a file that is gone would hold its memory."""
        for path in [path for path in self._kept if not os.path.exists(path)]:
            self._forget(path)

    def _forget(self, path):
        self._bytes -= self._kept.pop(path).length


_mappings = None


def read(path, length):
    global _mappings
    if _mappings is None:
        _mappings = Mappings()
    return _mappings.read(path, length)


def any_kept():
    return _mappings is not None and len(_mappings) > 0


def forget_removed():
    _mappings.forget_removed()
