"""A running tidelock for tests in Python: its output is read when the test wants it. Nothing
sleeps but to let time pass for the program."""
import errno
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TIDELOCK = os.environ["TIDELOCK"]
LIMIT = 30

PRELUDE = """local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
local log = require "tidelock.log"
"""


class Reader:
    """Reads a descriptor to its end, on a thread, from when it is told to."""

    def __init__(self, fd):
        self.fd, self.data, self.thread = fd, bytearray(), None

    def start(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def run(self):
        while True:
            try:
                piece = os.read(self.fd, 1 << 20)
            except OSError as error:
                if error.errno == errno.EIO:
                    return
                raise
            if not piece:
                return
            self.data += piece

    def text(self):
        return self.data.decode("utf-8", "replace")

    def wait_for(self, text, seconds=LIMIT):
        deadline = time.monotonic() + seconds
        while text not in self.text():
            if time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} within {seconds} s in {self.text()[-2000:]!r}")
            time.sleep(0.01)

    def all(self):
        self.thread.join(LIMIT)
        if self.thread.is_alive():
            raise AssertionError("no end of the output")
        return self.text()


def pipe():
    """A pipe whose writing end goes to the child."""
    ours, theirs = os.pipe()
    return ours, theirs


class Run:
    """stdout: "pipe" (not read until told), "pty", or a descriptor; stderr is read at once."""

    def __init__(self, *scripts, stdout="pipe", args=(), before=None, env=None, stdin=None,
                 watch=False):
        self.folder = tempfile.mkdtemp()
        paths = [self.write(f"s{i}", text) for i, text in enumerate(scripts, 1)]
        if stdout == "pty":
            ours, theirs = pty.openpty()
        elif stdout == "pipe":
            ours, theirs = pipe()
        else:
            ours, theirs = None, stdout
        self.out_fd = ours
        err, err_theirs = pipe()
        if "--data" not in args:
            args = (*args, "--memory")
        if not watch:
            args = (*args, "--no-watch")
        self.process = subprocess.Popen(
            [TIDELOCK, "run", *paths, *args], stdin=stdin or subprocess.DEVNULL,
            stdout=theirs, stderr=err_theirs, preexec_fn=before, env=env, cwd=self.folder)
        if ours is not None:
            os.close(theirs)
        os.close(err_theirs)
        self.out = Reader(ours) if ours is not None else None
        self.err = Reader(err).start()

    def write(self, name, text):
        path = os.path.join(self.folder, name + ".lua")
        with open(path, "w") as out:
            out.write(PRELUDE + text)
        return path

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, seconds=LIMIT):
        """Waits for the end; the status, as a shell tells it, and how long it took."""
        begun = time.monotonic()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"no end within {seconds} s; it said {self.err.text()[-2000:]}")
        return (128 - status if status < 0 else status), time.monotonic() - begun

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, expected {want!r}")


def name_of(case):
    return case.__doc__.splitlines()[0] if case.__doc__ else case.__name__.replace("_", " ")


def run_cases(cases):
    """All of them, or those named on the command line, or whose name holds TEST_ONLY."""
    only, part = sys.argv[1:], os.environ.get("TEST_ONLY", "")
    bad = 0
    for case in cases:
        name = name_of(case)
        if only and case.__name__ not in only or part not in name and part not in case.__name__:
            continue
        try:
            case()
            print("ok", name, flush=True)
        except Exception:
            bad += 1
            print("not ok", name, flush=True)
            print("    " + traceback.format_exc().replace("\n", "\n    "), flush=True)
    sys.exit(1 if bad else 0)
