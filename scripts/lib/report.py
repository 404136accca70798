"""PASS and FAIL lines, and what they come to."""

import sys
import time


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._start = time.monotonic()

    def check(self, what, is_right, figures=""):
        """Prints one line; returns whether it is right."""
        if is_right:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'PASS' if is_right else 'FAIL'}  {what}{': ' + figures if figures else ''}",
              flush=True)  # fmt: skip
        return bool(is_right)

    def note(self, text):
        print(f"      {text}", flush=True)

    def end(self):
        """Prints the sum and ends the script: with 1 when anything is wrong."""
        seconds = time.monotonic() - self._start
        print(f"{self.passed} passed, {self.failed} failed ({seconds:.0f} s)", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
