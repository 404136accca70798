"""Programs that are started, watched and always ended again."""

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_running = []


class Failure(Exception):
    """Something that the run cannot go on without did not happen."""


def _end_with_parent():
    # Whatever happens to this script, its programs get SIGTERM.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """A program with its output in `log`; `stdin` lines can be sent to it."""

    def __init__(self, name, command, log, on_line=None, environment=None):
        self.name = name
        self.log = log
        self._output = open(log, "ab")
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            env={**os.environ, **(environment or {})},
        )
        _running.append(self)
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            if self._on_line:
                self._on_line(line.decode(errors="replace").rstrip("\n"))
            else:
                self._output.write(line)
                self._output.flush()

    @property
    def is_running(self):
        return self.process.poll() is None

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def kill(self):
        """kill -9; returns when it is dead."""
        self._end(signal.SIGKILL)

    def stop(self, seconds=20):
        """SIGTERM; kill -9 when it does not end in time. Returns its exit status."""
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not end in {seconds} s after SIGTERM", file=sys.stderr)
                self._end(signal.SIGKILL)
                return None
        self._end(None)
        return self.process.returncode

    def _end(self, number):
        if number is not None and self.is_running:
            self.process.send_signal(number)
        self.process.wait()
        if self in _running:
            _running.remove(self)
        self._reader.join(5)
        try:
            self.process.stdin.close()
        except OSError:
            pass
        self.process.stdout.close()
        self._output.close()

    def last_lines(self, count=15):
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-count:])


def stop_all():
    """Ends what still runs, the last first, so that nobody complains of a peer that is gone."""
    for program in reversed(list(_running)):
        program.stop()


def install_handlers():
    """Ends everything on every way out of the script."""

    def leave(number, _frame):
        raise SystemExit(130 if number == signal.SIGINT else 128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    atexit.register(stop_all)


def wait_for(what, condition, seconds=60, every=0.1, watch=()):
    """Waits until `condition()` is true and returns its value; fails with what was awaited."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        for program in watch:
            if not program.is_running:
                raise Failure(
                    f"{program.name} ended with {program.process.returncode} while waiting for "
                    f"{what}; the end of {program.log}:\n{program.last_lines()}"
                )
        if time.monotonic() > end:
            last = "".join(f"\nthe end of {p.log}:\n{p.last_lines()}" for p in watch)
            raise Failure(f"waited {seconds} s in vain for {what}{last}")
        time.sleep(every)
