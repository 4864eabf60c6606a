"""The files and directories of one attempt: shown under their own names in its folder, collected from there after."""

import os
import shutil


#: Start of the names of files that attempts change together.
_SHARED = "shared-"


class OutputMissing(Exception):
    pass


class TaskFiles:
    def __init__(self, working_dir):
        self._folder = working_dir
        self._paths = {}

    def present(self, index, kind, writes, reads, source, name):
        """The path that user code gets for an access; ``source``: the stored file, None where there is none."""
        known = self._paths.get(index)
        if known is not None:
            return known
        path = self._place(index, os.path.basename(name or source or "out%d" % index))
        self._paths[index] = path
        if source is None:
            if kind == "directory":
                os.mkdir(path)
            elif reads:
                open(path, "wb").close()  # what an ignored failure left unwritten reads as empty
        elif not writes:
            os.symlink(source, path)
        elif not reads:
            if kind == "directory":
                os.mkdir(path)
        elif kind == "directory":
            shutil.copytree(source, path, symlinks=True)
        else:
            shutil.copyfile(source, path)
            shutil.copymode(source, path)
        return path

    def share(self, index, instance, source, name):
        """As ``present``, for a file that attempts of this node change together: each has a name of its own for it."""
        known = self._paths.get(index)
        if known is not None:
            return known
        path = self._place(index, os.path.basename(name or source or "out%d" % index))
        self._paths[index] = path
        folder = os.path.dirname(self._folder)
        shared = os.path.join(folder, _SHARED + instance)
        try:
            os.link(shared, path)
        except FileNotFoundError:
            _forget_left(folder)
            made = path + ".new"
            if source is None:
                open(made, "wb").close()
            else:
                shutil.copyfile(source, made)
                shutil.copymode(source, made)
            try:
                os.link(made, shared)
            except FileExistsError:
                pass  # another attempt was quicker: its file is the one
            os.link(shared, path)
            os.unlink(made)
        return path

    def collect(self, index, kind):
        """What the attempt left at the place of a written access, moved out of its folder: path and size."""
        path = self._paths[index]
        if not os.path.lexists(path):
            raise OutputMissing("The task wrote no %s %s, which it declares as an output"
                                % (kind, os.path.basename(path)))
        kept = "%s-o%d-%s" % (self._folder, index, os.path.basename(path))
        os.rename(path, kept)
        return kept, size_of(kept)

    def _place(self, index, name):
        """Two data of one name get folders of their own."""
        path = os.path.join(self._folder, name)
        if path in self._paths.values():
            folder = os.path.join(self._folder, "d%d" % index)
            os.mkdir(folder)
            path = os.path.join(folder, name)
        return path


def _forget_left(folder):
    """Shared files that nobody has another name for: neither an attempt nor the store."""
    for name in os.listdir(folder):
        if name.startswith(_SHARED):
            path = os.path.join(folder, name)
            try:
                if os.lstat(path).st_nlink == 1:
                    os.unlink(path)
            except FileNotFoundError:
                pass


def size_of(path):
    if not os.path.isdir(path):
        return os.stat(path).st_size
    total = 0
    for folder, _, files in os.walk(path):
        for file in files:
            total += os.lstat(os.path.join(folder, file)).st_size
    return total


def bring(source, path):
    """Puts the stored file or directory at the path of the user's."""
    if os.path.exists(path) and os.path.samefile(source, path):
        return
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    if os.path.isdir(source):
        if os.path.islink(path) or os.path.isfile(path):
            os.unlink(path)
        elif os.path.isdir(path):
            shutil.rmtree(path)
        shutil.copytree(source, path, symlinks=True)
    else:
        shutil.copyfile(source, path)
        shutil.copymode(source, path)
