"""The tests as a program of the runtime: every task runs in a worker. Ends with exit status 1 when one fails."""

import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODULES = (
    "test_returns",
    "test_calls",
    "test_data",
    "test_failures",
    "test_constraints",
    "test_programs",
    "test_transformations",
    "test_files",
    "test_streams",
    "test_dds",
)


def main():
    sys.path.insert(0, ROOT)
    names = sys.argv[1:] or [f"tests.{name}" for name in MODULES]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)


if __name__ == "__main__":
    main()
