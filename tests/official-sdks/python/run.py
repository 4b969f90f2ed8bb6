"""Runs the tests of this folder and writes how many passed, failed and were skipped to the file
named on the command line; unittest itself says that only in prose."""

import sys
import unittest
from pathlib import Path


class Counting(unittest.TextTestResult):
    """Counts tests, where unittest counts failures: one test may fail in several places."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bad = set()

    def addFailure(self, test, err):
        self.bad.add(test.id())
        super().addFailure(test, err)

    def addError(self, test, err):
        self.bad.add(test.id())
        super().addError(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.bad.add(test.id())
        super().addSubTest(test, subtest, err)


def main():
    suite = unittest.defaultTestLoader.discover(str(Path(__file__).parent))
    result = unittest.TextTestRunner(verbosity=2, resultclass=Counting).run(suite)
    failed, skipped = len(result.bad), len(result.skipped)
    passed = max(result.testsRun - failed - skipped, 0)
    Path(sys.argv[1]).write_text(f"{passed} {failed} {skipped}\n")
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
