"""What the tests of the package share."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
import unittest

from metakernel import link
from tests.inline_link import InlineLink


class LinkCase(unittest.TestCase):
    """Runs under `InlineLink`, in a directory of its own."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="pycompss-test-")
        self.before = os.getcwd()
        os.chdir(self.directory)
        self.link = InlineLink()
        link.set_current(self.link)

    def tearDown(self):
        link.set_current(None)
        self.link.close()
        os.chdir(self.before)
        shutil.rmtree(self.directory, ignore_errors=True)

    def last_call(self):
        return self.link.calls[-1]

    def argument(self, name):
        return next(one for one in self.last_call().arguments if one.name == name)


@contextlib.contextmanager
def stderr_text():
    """What is written to stderr inside; stdout must stay silent."""
    err, out = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        yield err
    if out.getvalue():
        raise AssertionError("stdout is the program's: %r" % out.getvalue())


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def script(path, text):
    write(path, text)
    os.chmod(path, 0o755)
    return path


__all__ = ["LinkCase", "read", "script", "stderr_text", "sys", "write"]
