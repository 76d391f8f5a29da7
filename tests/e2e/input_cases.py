"""tidelock.input from outside: what scripts are given, by whom and when. Each case is a
function; input_test.sh runs them all. Nothing sleeps: each waits for a line of output."""
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time

from running import run_cases

TIDELOCK = os.environ["TIDELOCK"]
LIMIT = 20

PRELUDE = """
local input = require "tidelock.input"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local script = require "tidelock.script"
"""
ECHO = "input.on_line(function(line) print('got ' .. line) end)\n"
END = "input.on_end(function() print 'end' end)\n"
READY = "script.on_start(function() print('live ' .. script.generation) end)\n"


class Run:
    """A running tidelock, its output read line by line."""

    def __init__(self, *scripts, stdin=subprocess.PIPE, command="run"):
        self.folder = tempfile.mkdtemp()
        self.paths = [self.write(f"s{i}", text) for i, text in enumerate(scripts, 1)]
        self.process = subprocess.Popen(
            [TIDELOCK, command, *self.paths], stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.seen, self.rest = [], b""

    def write(self, name, text):
        path = os.path.join(self.folder, name + ".lua")
        with open(path + ".new", "w") as out:
            out.write(PRELUDE + text)
        os.rename(path + ".new", path)
        return path

    def save(self, text):
        self.write("s1", text)

    def send(self, text):
        os.write(self.process.stdin.fileno(), text.encode("latin-1"))

    def end(self):
        self.process.stdin.close()

    def read(self, seconds):
        """The next line, or None at the end of the output."""
        fd, deadline = self.process.stdout.fileno(), time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise AssertionError(f"nothing came after {self.seen[-5:]}")
            data = os.read(fd, 65536)
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        self.seen.append(line.decode("latin-1"))
        return self.seen[-1]

    def expect(self, *lines):
        for line in lines:
            got = self.read(LIMIT)
            assert got == line, f"expected {line!r}, got {got!r} after {self.seen[-5:-1]}"

    def until(self, part):
        while True:
            line = self.read(LIMIT)
            assert line is not None, f"no {part!r} in {self.seen[-5:]}"
            if part in line:
                return line

    def over(self, status=0):
        while self.read(LIMIT) is not None:
            pass
        code = self.process.wait(LIMIT)
        assert code == status, f"exit status {code}, not {status}: {self.seen[-5:]}"
        return self.seen


CASES = []


def case(fn):
    CASES.append(fn)
    return fn


@case
def lines_then_end():
    run = Run(ECHO + END)
    run.send("one\r\ntwo\n\nlast")
    run.end()
    run.expect("got one", "got two", "got ", "got last", "end")
    run.over()


@case
def serial_handlers_run_one_after_the_other_and_the_end_waits():
    run = Run("""
        input.on_line(function(line)
          print('begin ' .. line) task.sleep(0.02) print('end ' .. line)
        end)""" + END)
    run.send("1\n2\n3")
    run.end()
    run.expect("begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3", "end")
    run.over()


@case
def handlers_that_are_not_serial_run_side_by_side_and_the_end_waits():
    run = Run("""
        local waiting = {}
        input.on_line(function(line)
          print('begin ' .. line)
          table.insert(waiting, line)
          while #waiting < 3 do task.sleep(0.005) end
          print('end ' .. line)
        end, { serial = false })""" + END)
    run.send("1\n2\n3\n")
    run.end()
    run.expect("begin 1", "begin 2", "begin 3")
    assert sorted(run.read(LIMIT) for _ in range(3)) == ["end 1", "end 2", "end 3"]
    run.expect("end")
    run.over()


@case
def a_handler_that_fails_stops_nothing():
    run = Run("input.on_line(function(line) if line == 'bad' then error 'oops' end print(line) end)"
              + END)
    run.send("bad\ngood\n")
    run.end()
    run.until("oops")
    run.until("good")
    run.expect("end")
    run.over(status=1)  # the error counts at the end


@case
def a_line_that_is_too_long_is_told_and_passed_over():
    with tempfile.TemporaryFile() as text:
        text.write(b"x" * ((1 << 20) + 1) + b"\nshort\n" + b"y" * (1 << 20))
        text.seek(0)
        run = Run("input.on_line(function(line) print(#line) end)" + END, stdin=text)
        assert "exceeds 1048576 bytes" in run.read(LIMIT)
        run.expect("5", "1048576", "end")
        run.over()


@case
def a_second_script_is_refused_and_told_who_has_it():
    run = Run(ECHO, ECHO)
    run.until("read by the script s1")
    run.send("one\n")  # which goes on alone
    run.until("one")
    run.end()
    run.over()


@case
def a_second_script_that_asks_later_gets_an_error():
    run = Run(ECHO, "script.on_start(function()\n"
              "  local _, err = input.on_line(print)\n  print(err.code, err.message)\nend)")
    assert "BUSY\tstandard input is read by the script s1" in run.until("BUSY")
    run.end()
    run.over()


@case
def what_is_declared_in_on_start_works():
    run = Run("script.on_start(function()\n" + ECHO + END + "end)")
    run.send("one\n")
    run.end()
    run.expect("got one", "end")
    run.over()


@case
def the_end_alone_can_be_waited_for():
    run = Run(END)
    run.send("one\ntwo\n")
    run.end()
    run.expect("end")
    run.over()


@case
def nothing_is_read_unless_the_script_is_live():
    for text, command, status in (ECHO, "check", 0), (ECHO + "error 'no'", "run", 78):
        with tempfile.TemporaryFile() as file:
            file.write(b"one\ntwo\n")
            file.seek(0)
            run = Run(text, stdin=file, command=command)
            run.over(status)
            assert file.tell() == 0 and os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0


@case
def without_a_listener_the_process_ends():
    run = Run("""
        local handle
        handle = input.on_line(function(line) print(line) handle:off() end)""")
    run.send("one\ntwo\n")
    run.expect("one")
    run.over()


@case
def exit_does_not_wait_for_input():
    run = Run("input.on_line(function(line) print(line) if line == 'quit' then script.exit(7) end end)")
    run.send("one\nquit\nthree\n")
    run.expect("one", "quit")
    run.over(status=7)
    assert "three" not in run.seen


@case
def a_signal_ends_it():
    run = Run(ECHO + READY)
    run.expect("live 1")
    run.process.send_signal(signal.SIGTERM)
    run.over(status=143)


@case
def what_cannot_be_handled_yet_is_not_read():
    run = Run("input.on_line(function(line) print('held') task.sleep(1000) end)")
    fd = run.process.stdin.fileno()
    run.send("first\n")
    run.expect("held")
    os.set_blocking(fd, False)
    written = 0
    try:
        while written < 10_000_000:
            written += os.write(fd, b"x" * 99 + b"\n")
    except BlockingIOError:
        pass
    assert written < 400_000, f"{written} bytes were taken"
    run.process.send_signal(signal.SIGTERM)
    run.over(status=143)


@case
def devices_files_and_closed_input():
    with open(os.devnull) as null:
        run = Run(ECHO + END, stdin=null)
        run.expect("end")
        run.over()
    folder = os.open("/", os.O_RDONLY)
    run = Run(ECHO + END, stdin=folder)
    assert "cannot be read: Is a directory" in run.read(LIMIT)
    run.expect("end")
    run.over()
    os.close(folder)
    path = Run(END).write("closed", END)
    out = subprocess.run(["sh", "-c", 'exec "$0" run "$1" <&-', TIDELOCK, path],
                         capture_output=True, timeout=LIMIT)
    assert (out.stdout, out.returncode) == (b"end\n", 0), out


@case
def a_terminal_is_read_and_left_as_it_is():
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    run = Run(ECHO + END, stdin=slave)
    os.write(master, b"one\n")
    run.expect("got one")
    assert not fcntl.fcntl(slave, fcntl.F_GETFL) & os.O_NONBLOCK
    assert termios.tcgetattr(slave) == settings
    os.write(master, b"two\n\x04")
    run.expect("got two", "end")
    run.over()
    os.close(master)
    os.close(slave)


@case
def a_pipe_stays_blocking():
    reader, writer = os.pipe()
    run = Run(ECHO + END, stdin=reader)
    os.write(writer, b"one\n")
    run.expect("got one")
    assert not fcntl.fcntl(reader, fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(writer)
    run.expect("end")
    run.over()
    os.close(reader)


@case
def over_reloads_no_line_is_lost_or_doubled():
    text = ("input.on_line(function(line) print(script.generation, line) task.sleep(0.001) end)\n"
            "-- %d\n" + END)
    run = Run(text % 1)
    sent = seen = 0
    for want in range(1, 6):
        run.save(text % want)
        version = 0
        while version < want:  # lines lie waiting all the time
            for sent in range(sent, seen + 50):
                run.send(f"{sent + 1}\n")
            sent = seen + 50
            version, number = map(int, run.until("\t").split("\t"))
            seen += 1
            assert number == seen, f"{number} came for {seen}"
    run.end()
    for seen in range(seen + 1, sent + 1):
        assert run.until("\t").split("\t")[1] == str(seen)
    run.expect("end")
    run.over()


@case
def a_reload_waits_for_the_handler_that_runs():
    text = "input.on_line(function(line) print(%d, line) task.sleep(%s) print(%d, 'done') end)\n" + READY
    run = Run(text % (1, "0.5", 1))
    run.expect("live 1")
    run.send("a\nb\n")
    run.expect("1\ta")
    run.save(text % (2, "0", 2))
    run.until("live 2")
    run.expect("1\tdone", "2\tb", "2\tdone")
    run.end()
    run.over()


@case
def lines_wait_while_no_version_listens():
    ticking = "timer.every(0.05, function() end)\n" + READY
    run = Run(ECHO + ticking)
    run.expect("live 1")
    run.send("one\n")
    run.expect("got one")
    run.save(ticking)
    run.until("live 2")
    run.send("two\nthree\n")
    run.save(ECHO.replace("got", "again") + READY + END)
    run.until("live 3")
    run.expect("again two", "again three")
    run.end()
    run.expect("end")
    run.over()


@case
def a_broken_save_changes_nothing():
    run = Run(ECHO + READY + END)
    run.expect("live 1")
    run.save(ECHO.replace("got", "new") + "error 'broken'")
    run.until("previous generation goes on")
    run.send("one\n")
    run.expect("got one")
    run.end()
    run.expect("end")
    run.over()


if __name__ == "__main__":
    run_cases(CASES)
