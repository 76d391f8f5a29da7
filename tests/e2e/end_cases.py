"""How the process ends: see end_test.sh."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

from running import TIDELOCK, Reader, Run, equal, run_cases

HOLD = "timer.every('hold', 60, print)\n"
UP = "script.on_start(function() io.stderr:write('up\\n') end)\n"
SLACK = 2  # seconds that a busy machine may take on top


def in_time(run, status, limit):
    got, took = run.end()
    equal(got, status)
    assert took < limit + SLACK, (took, run.err.text())
    return took


LOOPS = {
    "a loop": "while true do end",
    "a loop of pcalls": "while true do pcall(function() while true do end end) end",
    "a coroutine": "while true do coroutine.wrap(function() while true do end end)() end",
    "an error handler": "while true do xpcall(error, function() while true do end end) end",
    "refused waits": "while true do pcall(task.sleep, 1) end",
    "sleeping": "task.sleep(1000)",
    "a __close": "local x <close> = setmetatable({}, { __close = function() while true do end end }) task.sleep(1000)",
    "long functions": "while true do pcall(string.rep, 'x', 1 << 24) end",
    "printing": "while true do pcall(print, ('x'):rep(1000)) task.sleep(0) end",
}


def one_signal():
    """one SIGINT or SIGTERM ends the process within 3 s, whatever on_stop does"""
    for number, (name, body) in enumerate(LOOPS.items()):
        which, status = ((signal.SIGINT, 130), (signal.SIGTERM, 143))[number % 2]
        run = Run(HOLD + UP + f"script.on_stop(function() {body} end)")
        run.err.wait_for("up")
        run.signal(which)
        in_time(run, status, 3)


def raising_closers():
    """what `__close` raises in a task that is killed harms nobody"""
    body = "local x <close> = setmetatable({}, { __close = function() error 'x' end }) task.sleep(1000)"
    run = Run(HOLD + UP + f"script.on_stop(function() {body} end)", args=("--stop-timeout", "0.4"))
    run.err.wait_for("up")
    run.signal(signal.SIGINT)
    in_time(run, 130, 1)
    run = Run(HOLD + f"script.grace(0) script.on_start(function() io.stderr:write('one\\n') {body} end)")
    run.err.wait_for("one")
    run.write("s1", HOLD + UP)
    run.signal(signal.SIGHUP)
    run.err.wait_for("up")
    run.signal(signal.SIGINT)
    in_time(run, 130, 1)


def many_scripts():
    """so it does with many scripts that loop"""
    text = HOLD + UP + "script.on_stop(function() while true do end end)"
    run = Run(*[text] * 6)
    run.err.wait_for("up\nup\nup\nup\nup\nup")
    run.signal(signal.SIGTERM)
    in_time(run, 143, 3)


def running_tasks():
    """and with tasks that swallow their cancellation, one turn that is under way, and what they leave"""
    text = """
    timer.every('hold', 60, print)
    script.on_start(function()
      for i = 1, 20 do
        task.spawn(function()
          local x <close> = setmetatable({}, { __close = function() while true do end end })
          while true do pcall(task.sleep, 0.1) end
        end)
      end
      task.sleep(0.2)
      io.stderr:write("up\\n")
      while true do end
    end)
    """
    run = Run(text)
    run.err.wait_for("up")
    run.signal(signal.SIGINT)
    in_time(run, 130, 3)


def second_signal():
    """a second signal ends at once, also while on_stop loops, and says what was not written"""
    for body in ("while true do end", "task.sleep(1000)"):
        run = Run(HOLD + UP + f"script.on_stop(function() io.stderr:write('stopping\\n') {body} end)",
                  args=("--stop-timeout", "60"))
        run.err.wait_for("up")
        run.signal(signal.SIGINT)
        run.err.wait_for("stopping")
        time.sleep(0.1)
        run.signal(signal.SIGTERM)
        in_time(run, 143, 0.3)
        assert "ended at once: nothing was left to be written" in run.err.all()


def second_signal_unread():
    """what was printed and not read is counted then"""
    run = Run(HOLD + "script.on_start(function() print(('x'):rep(3000000)) io.stderr:write('up\\n') end)")
    run.err.wait_for("up")
    run.signal(signal.SIGINT)
    time.sleep(0.5)
    equal(run.process.poll(), None)
    run.signal(signal.SIGINT)
    in_time(run, 130, 0.3)
    count = int(re.search(r"ended at once: (\d+) printed bytes were not written", run.err.all())[1])
    assert 2800000 < count <= 3000001, count


def unread_at_the_end():
    """printing that nobody reads is dropped at the end of the time, and that is told"""
    run = Run(HOLD + "script.on_start(function() print(('x'):rep(3000000)) io.stderr:write('up\\n') end)")
    run.err.wait_for("up")
    run.signal(signal.SIGTERM)
    took = in_time(run, 143, 3)
    assert took > 2, took
    assert "printed bytes that nobody read are dropped" in run.err.all()


def late_reader():
    """a reader that comes in that time gets all of it"""
    run = Run(HOLD + "script.on_start(function() print(('x'):rep(3000000)) io.stderr:write('up\\n') end)")
    run.err.wait_for("up")
    run.signal(signal.SIGTERM)
    time.sleep(1)
    run.out.start()
    in_time(run, 143, 1)
    equal(len(run.out.all()), 3000001)


def while_waiting_for_a_reader():
    """a program that has ended but for its reader is ended by a signal, too"""
    run = Run("print(('x'):rep(3000000))")
    time.sleep(3.5)
    equal(run.process.poll(), None)
    run.signal(signal.SIGINT)
    in_time(run, 130, 3)


def while_loading():
    """a signal while a script loads"""
    run = Run("io.stderr:write('up\\n') while true do end", HOLD)
    run.err.wait_for("up")
    run.signal(signal.SIGTERM)
    in_time(run, 143, 3)


def while_reloading():
    """a signal while a script reloads"""
    run = Run(HOLD + UP + "script.on_stop(function(why) io.stderr:write('stopped ' .. why .. '\\n') end)")
    run.err.wait_for("up")
    run.write("s1", "io.stderr:write('anew\\n') while true do end")
    run.signal(signal.SIGHUP)
    run.err.wait_for("anew")
    run.signal(signal.SIGINT)
    in_time(run, 130, 3)
    assert "stopped stop" in run.err.all()


def stop_timeout():
    """--stop-timeout: on_stop has what is left but the last second"""
    text = HOLD + UP + """
    script.on_stop(function()
      for i = 1, 100 do task.sleep(0.1) io.stderr:write("at " .. i .. "\\n") end
    end)
    """
    for args, least, most, limit in ((("--stop-timeout", "5"), 30, 40, 5), ((), 10, 20, 3),
                                     (("--stop-timeout=1",), 2, 5, 1), (("--stop-timeout", "0.5"), 1, 2, 0.5)):
        run = Run(text, args=args)
        run.err.wait_for("up")
        run.signal(signal.SIGINT)
        in_time(run, 130, limit)
        said = run.err.all()
        count = said.count("at ")
        assert least <= count <= most, (args, count)
        assert "stop handlers did not end in time" in said


def wrong_timeouts():
    """--stop-timeout takes seconds, nothing else"""
    for value in ("x", "0", "-1", "1s", "nan", "inf", "0x3", "3601", " 2", "1e1"):
        done = subprocess.run([TIDELOCK, "run", "nowhere.lua", "--stop-timeout", value], capture_output=True, text=True)
        equal((value, done.returncode), (value, 2))
        assert "--stop-timeout takes 0.1 to 3600 seconds" in done.stderr, done.stderr


def exits():
    """on_stop has the same time when a script ends the program"""
    run = Run("script.on_start(function() script.exit(5) end) script.on_stop(function() while true do end end)")
    in_time(run, 5, 3)
    run = Run("script.on_stop(function() task.sleep(100) end)")
    in_time(run, 0, 3)


STATUSES = [
    ("nothing is wrong", "timer.after(0.01, function() end)", 0),
    ("an error in a timer", "timer.after(0.01, function() error 'x' end)", 1),
    ("an error in a repeating timer", "local t t = timer.every(0.01, function() t:stop() error 'x' end)", 1),
    ("an error in a task", "script.on_start(function() task.spawn(function() task.sleep(0.01) error 'x' end) end)", 1),
    ("an error in on_start", "script.on_start(function() error 'x' end)", 1),
    ("an error in on_stop", "script.on_stop(function() error 'x' end)", 1),
    ("an error in a subscriber", """
      local s = require("tidelock.store").define("s", { initial = { n = 0 } })
      s:subscribe("n", function() error 'x' end)
      script.on_start(function() s:set { n = 1 } end)""", 1),
    ("an error in a selector", """
      local s = require("tidelock.store").define("s", { initial = { n = 0 } })
      s:subscribe(function(v) if v.n == 1 then error 'x' end end, print)
      script.on_start(function() s:set { n = 1 } end)""", 1),
    ("a turn that is too long", "timer.after(0.01, function() while true do end end)", 1),
    ("an error that is caught", "script.on_start(function() pcall(error, 'x') end)", 0),
    ("an error of a task that is awaited", "script.on_start(function() pcall(function() task.spawn(error, 'x'):await() end) end)", 0),
    ("an error, and an exit", "script.on_start(function() task.spawn(error, 'x') task.sleep(0.05) script.exit(0) end)", 0),
    ("another exit", "script.on_start(function() task.spawn(error, 'x') task.sleep(0.05) script.exit(9) end)", 9),
    ("a script that does not compile", "x = = 1", 78),
    ("a top level that raises", "error 'x'", 78),
    ("a top level that loops", "while true do end", 78),
    ("a module that is missing", "require 'nowhere'", 78),
    ("a URL that cannot be used", "require('tidelock.socket').connect('c', { url = 'gopher://x' })", 78),
    ("a refused connection that is not retried", """
      require("tidelock.socket").connect("c", { url = "http://127.0.0.1:1", reconnect = false })""", 1),
    ("a refused connection after its last attempt", """
      require("tidelock.socket").connect("c", { url = "ws://127.0.0.1:1", reconnect = { delay = 0.01, attempts = 2 } })""", 1),
]


def statuses():
    """the status says how a run ended by itself"""
    for name, text, want in STATUSES:
        run = Run(text)
        run.out.start()
        got, _ = run.end()
        if got != want:
            raise AssertionError(f"{name}: status {got}, expected {want}: {run.err.text()}")


def mended():
    """an error of a version that was replaced since does not count"""
    run = Run("script.probation(false) timer.after(0.05, function() error 'x' end) " + HOLD)
    run.err.wait_for("error in a timer")
    run.write("s1", "script.grace(0.1) timer.after(0.05, function() end)")
    run.signal(signal.SIGHUP)
    equal(run.end()[0], 0)


def left_by_itself():
    """a connection that the script itself ended is no failure"""
    text = """
    local server = require("tidelock.server").listen("s", { port = 0 })
    server:io {}
    script.on_start(function()
      local c = require("tidelock.socket").connect("c", { url = "http://127.0.0.1:" .. server.port })
      while c.state ~= "connected" do task.sleep(0.01) end
      c:disconnect()
      task.sleep(0.1)
      server:close()
    end)
    """
    run = Run(text)
    run.out.start()
    got, _ = run.end()
    equal((got, run.err.text()), (0, run.err.text()))


def rotation():
    """SIGUSR1 opens the log file anew"""
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "log")
    run = Run("local n = 0 timer.every(0.02, function() n = n + 1 log.info('tick ' .. n) end)",
              args=("--log-file", path))

    def wait_for(name, text):
        end = time.monotonic() + 10
        while not os.path.exists(name) or text not in open(name).read():
            assert time.monotonic() < end, (name, text)
            time.sleep(0.01)

    wait_for(path, "tick 3")
    for i in (1, 2):
        os.rename(path, f"{path}.{i}")
        run.signal(signal.SIGUSR1)
        wait_for(path, "tick")
    run.signal(signal.SIGTERM)
    equal(run.end()[0], 143)
    text = "".join(open(name).read() for name in (path + ".1", path + ".2", path))
    ticks = [int(n) for n in re.findall(r"tick (\d+)", text)]
    equal(ticks, list(range(1, len(ticks) + 1)))
    equal(os.stat(path).st_mode & 0o777, 0o600)


def rotation_without_a_file():
    """and does no harm where there is none, or none can be made"""
    run = Run(HOLD + UP)
    run.err.wait_for("up")
    run.signal(signal.SIGUSR1)
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "log")
    other = Run(HOLD + "timer.every(0.02, function() log.info 'tick' end)", args=("--log-file", path))
    end = time.monotonic() + 10
    while not os.path.exists(path) or "tick" not in open(path).read():
        assert time.monotonic() < end
        time.sleep(0.01)
    os.rename(folder, folder + ".away")
    other.signal(signal.SIGUSR1)
    moved = os.path.join(folder + ".away", "log")
    while "cannot open the log file anew" not in open(moved).read():
        assert time.monotonic() < end
        time.sleep(0.01)
    for each in (run, other):
        each.signal(signal.SIGINT)
        equal(each.end()[0], 130)


SLOW_DISK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <stdio.h>
static void wait_if_slow(int fd) {
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return;
  path[n] = 0;
  if (!strstr(path, "state.db-wal") || access(getenv("SLOW_IF"), F_OK) != 0) return;
  struct timespec t = {atoi(getenv("SLOW_SECONDS")), 0};
  nanosleep(&t, NULL);
}
ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
  wait_if_slow(fd);
  return real(fd, data, len, at);
}
ssize_t pwrite64(int fd, const void *data, size_t len, off_t at) {
  return pwrite(fd, data, len, at);
}
"""
KEEPER = """
local s = require("tidelock.store").define("s", { initial = { n = 0 }, persist = { "n" } })
timer.every('hold', 60, print)
script.on_start(function() io.stderr:write("n is " .. s:get("n") .. "\\n") end)
script.on_stop(function() s:set { n = s:get("n") + 1 } end)
"""


def slow_disk():
    """a slow disk is waited for, and that is told; a second signal says what was not saved"""
    folder = tempfile.mkdtemp()
    source, library = os.path.join(folder, "slow.c"), os.path.join(folder, "slow.so")
    with open(source, "w") as out:
        out.write(SLOW_DISK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    slow = os.path.join(folder, "slow")
    env = dict(os.environ, SLOW_IF=slow, SLOW_SECONDS="5", LD_PRELOAD=library)
    if "asan" in TIDELOCK:
        env.pop("LD_PRELOAD")
        return
    data = ("--data", os.path.join(folder, "data"))

    def begin(n):
        if os.path.exists(slow):
            os.unlink(slow)
        run = Run(KEEPER, args=data, env=env)
        run.err.wait_for(f"n is {n}")
        open(slow, "w").close()
        run.signal(signal.SIGTERM)
        run.err.wait_for("changes are still being written")
        return run

    run = begin(0)
    os.unlink(slow)
    in_time(run, 143, 8)
    equal(run.err.all().count("still being written"), 1)
    run = begin(1)
    run.signal(signal.SIGTERM)
    in_time(run, 143, 0.3)
    assert re.search(r"ended at once: [12] changes were not saved to the disk", run.err.all()), run.err.text()
    os.unlink(slow)
    run = Run(KEEPER, args=data, env=env)
    run.err.wait_for("n is 1")
    run.kill()


def make_demo():
    """make demo ends without an error of make's"""
    for sent in (b"\x03", b"/quit\n"):
        home = tempfile.mkdtemp()
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(XDG_DATA_HOME=home, XDG_STATE_HOME=home)
            os.execvp("make", ["make", "-o", "all", "BUILD=" + os.path.dirname(TIDELOCK), "demo"])
        text, done, end = b"", False, time.monotonic() + 30
        while time.monotonic() < end:
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    text += os.read(fd, 65536)
                except OSError:
                    break
            if not done and b"assistant healthy" in text:
                os.write(fd, sent)
                done = True
        status = os.waitpid(pid, 0)[1]
        os.close(fd)
        assert done and b"***" not in text and b"Error" not in text, text
        assert sent == b"\x03" or status == 0, status


SIGNALS = [one_signal, raising_closers, many_scripts, running_tasks, second_signal, second_signal_unread,
           unread_at_the_end, late_reader, while_waiting_for_a_reader, while_loading, while_reloading]
REST = [stop_timeout, wrong_timeouts, exits, statuses, mended, left_by_itself, rotation, rotation_without_a_file,
        slow_disk, make_demo]

if __name__ == "__main__":
    group = sys.argv[1] if sys.argv[1:2] in (["signals"], ["rest"]) else None
    if group:
        del sys.argv[1]
    run_cases({"signals": SIGNALS, "rest": REST}.get(group, SIGNALS + REST))
