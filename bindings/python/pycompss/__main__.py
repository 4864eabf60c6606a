"""`python -m pycompss [run] [flags] app.py arguments`: runs a program as `runcompss` would, on an agent of its own."""

import sys

from pycompss._core.launch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
