"""The log beside a client that draws on the terminal: see screen_test.sh."""
import os
import pty
import select
import shutil
import signal
import tempfile
import time

from running import TIDELOCK, equal, run_cases

ROOT = os.environ["ROOT"]
HOOK = """
local timer, log = require "tidelock.timer", require "tidelock.log"
print("hook %d is up")
timer.every("t", 60, print)
"""


def logging_hook():
    path = os.path.join(tempfile.mkdtemp(), "hook.lua")
    with open(path, "w") as out:
        out.write(HOOK % 1 + "log.info 'a record'")
    return path


class Terminal:
    """tidelock in a terminal of its own."""

    def __init__(self, *args, env=None, err=None):
        self.home = tempfile.mkdtemp()
        self.state = os.path.join(self.home, "state")
        pid, fd = pty.fork()
        if pid == 0:
            for name in ("PORT", "API_URL", "WS_URL", "APP_URL"):
                os.environ.pop(name, None)
            os.environ.update(XDG_DATA_HOME=os.path.join(self.home, "data"), XDG_STATE_HOME=self.state, HOME=self.home)
            os.environ.update(env or {})
            if err:
                os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            os.execv(TIDELOCK, [TIDELOCK, *args])
        self.pid, self.fd, self.data = pid, fd, b""

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            return False
        self.data += piece
        return bool(piece)

    def text(self):
        return self.data.decode().replace("\r\n", "\n")

    def see(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text not in self.text():
            assert time.monotonic() < end, f"no {text!r} in {self.text()}"
            self.read(0.05)

    def send(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        end = time.monotonic() + 20
        while self.read(0.1):
            assert time.monotonic() < end, self.text()
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def log_of(terminal, profile):
    path = os.path.join(terminal.state, "tidelock", profile + ".log")
    with open(path) as log:
        return path, log.read()


def write(path, text):
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)


def at_the_start():
    """what cannot load at the start is told on the screen, once"""
    hook = os.path.join(tempfile.mkdtemp(), "hook.lua")
    write(hook, "x = = 1")
    t = Terminal("demo", hook)
    t.see("unexpected symbol")
    t.see("* connected")
    time.sleep(0.3)
    t.read(0.1)
    equal(t.text().count("unexpected symbol"), 1)
    write(hook, "x = '")
    t.see("unfinished string")
    assert "hook is not loaded: " in t.text() and "is not reloaded" not in t.text(), t.text()
    t.send("/quit\r")
    equal(t.end(), 0)


def told_once(profile, *args):
    hook = os.path.join(tempfile.mkdtemp(), "hook.lua")
    write(hook, HOOK % 1)
    t = Terminal("demo", hook, *args)
    t.see("* connected")
    write(hook, HOOK % 2)
    t.see("hook 2 is up")
    t.see("hook: reloaded (generation 2")
    write(hook, "x = = 1")
    t.see("hook is not reloaded")
    time.sleep(0.3)
    t.read(0.1)
    text = t.text()
    equal(text.count("reloaded (generation 2"), 1)
    equal(text.count("unexpected symbol"), 1)
    assert "INFO " not in text and "ERROR " not in text, text
    t.send("/quit\r")
    equal(t.end(), 0)
    path, log = log_of(t, profile)
    equal(log.count("hook: reloaded (generation 2"), 1)
    assert "ERROR hook" in log and "given up" in log, log
    equal(t.text().rstrip().splitlines()[-1], "tidelock: the log is in " + path)
    equal(os.stat(path).st_mode & 0o777, 0o600)
    shutil.rmtree(t.home)


def saves():
    """a save is told once; the log is in the state folder, which is said at the end"""
    told_once("demo")


def profile():
    """under the name of the profile"""
    told_once("mine", "--profile", "mine")


def interrupted():
    """it is said after Ctrl-C too"""
    t = Terminal("demo")
    t.see("* connected")
    t.send("\x03")
    equal(t.end(), 130)
    assert "tidelock: the log is in " in t.text()


def asked_for():
    """--log-file stands"""
    path = os.path.join(tempfile.mkdtemp(), "log")
    t = Terminal("demo", logging_hook(), "--log-file", path)
    t.see("* connected")
    t.send("/quit\r")
    equal(t.end(), 0)
    assert "a record" in open(path).read() and not os.path.exists(t.state), t.text()
    assert "the log is in" not in t.text()


def elsewhere():
    """a log that does not go to that terminal stays where it is"""
    path = os.path.join(tempfile.mkdtemp(), "err")
    t = Terminal("demo", logging_hook(), err=path)
    t.see("* connected")
    t.send("/quit\r")
    equal(t.end(), 0)
    assert "a record" in open(path).read() and not os.path.exists(t.state)


def no_place():
    """where there is no place for it it stays, and says so"""
    t = Terminal("demo", env={"XDG_STATE_HOME": "/proc/nowhere"})
    t.see("the log stays here")
    t.see("* connected")
    t.send("/quit\r")
    equal(t.end(), 0)


def others():
    """a script that does not draw logs to its terminal"""
    path = os.path.join(tempfile.mkdtemp(), "bot.lua")
    write(path, HOOK % 1)
    t = Terminal("run", path)
    t.see("hook 1 is up")
    write(path, HOOK % 2)
    t.see("INFO  bot: reloaded (generation 2")
    os.kill(t.pid, signal.SIGTERM)
    equal(t.end(), 143)
    assert "the log is in" not in t.text() and not os.path.exists(t.state)


def first_load():
    """what is logged before it is known who draws goes where all goes"""
    path = os.path.join(tempfile.mkdtemp(), "early.lua")
    write(path, "require 'tidelock.log'.warn 'an early record'\n" + HOOK % 1)
    for args in (("demo", path), ("run", path, "client=" + os.path.join(ROOT, "scripts"))):
        t = Terminal(*args, env={"API_URL": "http://127.0.0.1:9", "WS_URL": "ws://127.0.0.1:9"})
        t.see("hook 1 is up")
        t.see("* ")
        os.kill(t.pid, signal.SIGTERM)
        equal(t.end(), 143)
        _, log = log_of(t, "demo" if args[0] == "demo" else "default")
        assert "an early record" in log and "an early record" not in t.text(), (log, t.text())
    t = Terminal("run", path)
    t.see("WARN  early: an early record")
    t.see("hook 1 is up")
    os.kill(t.pid, signal.SIGTERM)
    equal(t.end(), 143)
    t = Terminal("run", path, "--allow", "nobody:files=/tmp")
    equal(t.end(), 2)
    assert "no script is called" in t.text(), t.text()


def failed_before():
    """what failed before the one that draws was there is on the screen, and in the log"""
    hook = os.path.join(tempfile.mkdtemp(), "hook.lua")
    write(hook, "x = = 1")
    client = os.path.join(ROOT, "scripts")
    t = Terminal("run", "client=" + client, hook, env={"API_URL": "http://127.0.0.1:9", "WS_URL": "ws://127.0.0.1:9"})
    t.see("hook is not loaded: ")
    write(hook, HOOK % 1)
    t.see("hook 1 is up")
    os.kill(t.pid, signal.SIGTERM)
    equal(t.end(), 143)
    equal(t.text().count("unexpected symbol"), 1)


if __name__ == "__main__":
    run_cases([saves, at_the_start, first_load, failed_before, profile, interrupted, asked_for, elsewhere, no_place, others])
