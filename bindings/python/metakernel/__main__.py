"""``python3 -m metakernel app.py arguments``: runs a program with an agent of its own, by this interpreter."""

import os
import shutil
import sys

_USAGE = "usage: python3 -m metakernel [run] [OPTIONS] FILE [ARGUMENT ...]   (options: metakernel run --help)"


def main(arguments):
    if arguments and arguments[0] == "run":
        arguments = arguments[1:]
    if not arguments:
        print(_USAGE, file=sys.stderr)
        return 2
    launcher = _launcher()
    if launcher is None:
        print("python3 -m metakernel: there is no command metakernel, neither beside this package nor on PATH; "
              "METAKERNEL_CLI names one elsewhere", file=sys.stderr)
        return 2
    os.execv(launcher, [launcher, "run", "--python=" + sys.executable] + arguments)


def _launcher():
    given = os.environ.get("METAKERNEL_CLI")
    if given:
        return given
    here = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.normpath(os.path.join(here, "../../../bin/metakernel"))
    return beside if os.access(beside, os.X_OK) else shutil.which("metakernel")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
