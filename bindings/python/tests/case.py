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
    """Runs in a directory of its own: under the runtime when this process is a program of it, else under `InlineLink`."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="pycompss-test-")
        self.before = os.getcwd()
        os.chdir(self.directory)
        self.runtime = link.current()
        self.link = self.runtime or InlineLink()
        link.set_current(self.link)

    def tearDown(self):
        link.set_current(self.runtime)
        if self.runtime is None:
            self.link.close()
        os.chdir(self.before)
        shutil.rmtree(self.directory, ignore_errors=True)

    def inline_only(self):
        """What follows looks into `InlineLink`."""
        if self.runtime is not None:
            self.skipTest("looks at calls that only the link of the tests keeps")

    def last_call(self):
        self.inline_only()
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
