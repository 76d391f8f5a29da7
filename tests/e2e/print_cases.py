"""Printing never waits: see print_test.sh."""
import fcntl
import os
import signal
import tempfile
import termios
import time

from running import Run, Reader, equal, pipe, run_cases

# A script that prints much, beside one whose timer must go on and is heard on standard error.
FLOOD = """
local n = 0
timer.every(0.01, function() n = n + 1 print(n, ("x"):rep(50000)) end)
"""
BEAT = """
local n = 0
timer.every(0.05, function() n = n + 1 io.stderr:write("beat " .. n .. "\\n") end)
"""
# A server that ends connections whose heartbeat stops, and a client that prints each event.
SERVER = """
local server = require "tidelock.server"
local s = server.listen("s", { port = %d })
local io_ = s:io { ping_interval = 0.2, ping_timeout = 0.4 }
local peer
io_:on("connection", function(socket)
  io.stderr:write("connected\\n")
  peer = socket
  socket:on("disconnect", function(reason) io.stderr:write("LOST " .. tostring(reason) .. "\\n") end)
end)
local n = 0
timer.every(0.02, function()
  n = n + 1
  if peer then peer:emit("tick", n, ("y"):rep(100000)) end
end)
"""
CLIENT = """
local socket = require "tidelock.socket"
local chat = socket.connect("chat", { url = "http://127.0.0.1:%d" })
chat:on("tick", function(n, text) print(n, text) end)
"""


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def beats_after(run, seconds):
    before = run.err.text().count("beat")
    time.sleep(seconds)
    return run.err.text().count("beat") - before


def numbers(text):
    return [int(line.split("\t")[0]) for line in text.splitlines() if "\t" in line]


def unread_pipe():
    """a pipe that nobody reads stops the script that prints, and no other"""
    run = Run(FLOOD, BEAT)
    run.err.wait_for("are not read")
    assert beats_after(run, 1) >= 8
    queued = int(run.err.text().split(" bytes that it printed")[0].split()[-1])
    assert (1 << 20) < queued < (1 << 20) + 200000, queued
    run.out.start()
    run.out.wait_for("\n200\t")
    run.signal(signal.SIGINT)
    equal(run.end()[0], 130)
    seen = numbers(run.out.all())
    equal(seen, list(range(1, len(seen) + 1)))


def stopped_terminal():
    """so does a terminal that is stopped (Ctrl-S)"""
    run = Run(FLOOD, BEAT, stdout="pty")
    os.write(run.out_fd, b"\x13")
    run.err.wait_for("are not read")
    assert beats_after(run, 1) >= 8
    os.write(run.out_fd, b"\x11")
    run.out.start()
    run.out.wait_for("\n200\t")
    run.signal(signal.SIGTERM)
    equal(run.end()[0], 143)
    seen = numbers(run.out.all())
    equal(seen, list(range(1, len(seen) + 1)))


def same_terminal():
    """on a stopped terminal the log does not wait either"""
    text = """
    local store = require "tidelock.store"
    local n = 0
    timer.every(0.01, function() n = n + 1 log.info(("z"):rep(20000)) end)
    timer.after(3, function() require("tidelock.script").exit(7) end)
    """
    run = Run(text, stdout="pty", before=lambda: os.dup2(1, 2))
    os.write(run.out_fd, b"\x13")
    time.sleep(4)
    os.write(run.out_fd, b"\x11")
    run.out.start()
    equal(run.end(10)[0], 7)


def heartbeat_goes_on():
    """the connection of a script that is held back keeps its heartbeat, and no event is lost"""
    port = free_port()
    run = Run(SERVER % port, CLIENT % port)
    run.err.wait_for("connected")
    run.err.wait_for("are not read")
    time.sleep(2)
    assert "LOST" not in run.err.text(), run.err.text()
    run.out.start()
    run.out.wait_for("\n150\t")
    run.signal(signal.SIGINT)
    run.end()
    seen = numbers(run.out.all())
    first = seen[0]
    equal(seen, list(range(first, first + len(seen))))


def waits_of_tasks():
    """tasks that sleep, await and request go on in order when the text is read"""
    text = """
    local done = {}
    script.on_start(function()
      local function worker(n)
        for i = 1, 3 do task.sleep(0.01) done[#done + 1] = n .. "." .. i end
        return n
      end
      local a, b = task.spawn(worker, 1), task.spawn(worker, 2)
      print(("x"):rep(3000000))
      task.sleep(0.01)
      print("results", a:await(), b:await(), select(2, pcall(task.with_timeout, 0.01, task.sleep, 5)) ~= nil)
      print("all", table.concat(done, " "))
    end)
    """
    run = Run(text)
    run.err.wait_for("are not read")
    time.sleep(0.5)
    run.out.start()
    equal(run.end()[0], 0)
    last = run.out.all().splitlines()[-2:]
    equal(last[0].split("\t"), ["results", "1", "2", "true"])
    equal(sorted(last[1].split("\t")[1].split()), ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"])


def subscribers():
    """a subscriber that is held back is told once, with what is true when it is"""
    text = """
    local store = require "tidelock.store"
    local s = store.define("s", { initial = { n = 0 }, share = "write" })
    s:subscribe("n", function(now, was) io.stderr:write("told " .. was .. " " .. now .. "\\n") end)
    script.on_start(function() print(("x"):rep(3000000)) end)
    """
    other = """
    local s = require("tidelock.store").attach("s1:s")
    local n = 0
    timer.every(0.01, function() n = n + 1 s:set { n = n } if n == 100 then io.stderr:write("hundred\\n") end end)
    """
    run = Run(text, other)
    run.err.wait_for("hundred")
    equal([line for line in run.err.text().splitlines() if line.startswith("told")], [])
    run.out.start()
    run.err.wait_for("told")
    told = run.err.text().split("told ")[1].split()
    equal(told[0], "0")
    assert int(told[1]) >= 100, told
    run.kill()


def too_much():
    """more than 64 MiB raises BUFFER_FULL, by every way of printing"""
    text = """
    script.on_start(function()
      local mib, err = ("x"):rep(1 << 20), nil
      local count = 0
      repeat local ok ok, err = pcall(print, mib) count = count + (ok and 1 or 0) until not ok
      io.stderr:write(count, " ", err.code, "\\n")
      for name, f in pairs { write = io.write, stdout = function(s) io.stdout:write(s) end } do
        local ok, why = pcall(f, mib)
        io.stderr:write(name, " ", tostring(ok), " ", tostring(why and why.code), "\\n")
      end
      io.stderr:write("end of the turn\\n")
    end)
    """
    run = Run(text)
    run.err.wait_for("end of the turn")
    count, code = run.err.text().split()[:2] # the pipe itself has room for a little
    assert code == "BUFFER_FULL" and count in ("63", "64"), run.err.text()
    assert "write false BUFFER_FULL" in run.err.text()
    assert "stdout false BUFFER_FULL" in run.err.text()
    run.out.start()
    equal(run.end()[0], 0)
    equal(len(run.out.all()), int(count) * ((1 << 20) + 1))


def charged():
    """what is queued is charged to the script"""
    text = """
    script.on_start(function()
      local held, n, ok = {}, 0, true
      for i = 1, 44 do held[i] = ("y"):rep(8 << 20) task.sleep(0) end
      for _ = 1, 60 do print(("x"):rep(1 << 20)) end
      collectgarbage()
      while ok do
        ok = pcall(function() held[#held + 1] = ("y"):rep(8 << 20) end)
        n = n + (ok and 1 or 0)
      end
      held = nil
      io.stderr:write("had " .. n .. "\\n")
    end)
    """
    first = Run(text.replace("for _ = 1, 60", "for _ = 1, 0"), args=("--turn-limit", "20"))
    first.err.wait_for("had ")
    second = Run(text, args=("--turn-limit", "20"))
    second.err.wait_for("had ")
    had = [int(r.err.text().split("had ")[1].split()[0]) for r in (first, second)]
    assert had[0] - had[1] >= 4, had
    first.kill()
    second.kill()


def slow_reader_at_the_end():
    """the end of a program waits for its reader, and nothing is lost"""
    run = Run("for i = 1, 3000 do print(i, ('x'):rep(1000)) end")
    time.sleep(4)
    equal(run.process.poll(), None)
    run.out.start()
    equal(run.end()[0], 0)
    equal(numbers(run.out.all()), list(range(1, 3001)))


def order():
    """print, io.write and io.stderr come out in the order in which they were called"""
    ours, theirs = pipe()
    text = """
    for i = 1, 500 do print(i) io.write(i, "\\n") io.stderr:write(i, "\\n") io.stdout:write(i, "\\n"):flush() end
    """
    run = Run(text, stdout=theirs, before=lambda: os.dup2(1, 2))
    os.close(theirs)
    reader = Reader(ours).start()
    equal(run.end()[0], 0)
    equal(reader.all().split(), [str(i) for i in range(1, 501) for _ in range(4)])


def flags():
    """the shared descriptor is never made non-blocking"""
    ours, theirs = pipe()
    run = Run(FLOOD, BEAT, stdout=theirs)
    run.err.wait_for("are not read")
    equal(fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK, 0)
    run.kill()
    os.close(theirs)
    os.close(ours)


def nonblocking():
    """one that somebody else made non-blocking is written all the same"""
    ours, theirs = pipe()
    os.set_blocking(theirs, False)
    run = Run("for i = 1, 3000 do print(i, ('x'):rep(1000)) end", stdout=theirs)
    time.sleep(0.5)
    reader = Reader(ours).start()
    os.close(theirs)
    equal(run.end()[0], 0)
    equal(numbers(reader.all()), list(range(1, 3001)))


def reader_goes():
    """a reader that goes while text waits for it: status 1, one line, on_stop runs"""
    run = Run(FLOOD + "script.on_stop(function() io.stderr:write('stopped\\n') end)", BEAT)
    run.err.wait_for("are not read")
    os.close(run.out_fd)
    equal(run.end(10)[0], 1)
    equal(run.err.all().count("cannot write to standard output: Broken pipe"), 1)
    equal(run.err.text().count("stopped"), 1)


def reload_while_held():
    """a script that is held back can be reloaded, and goes on when the text is read"""
    run = Run("script.on_start(function(r) print(r, ('x'):rep(3000000)) end) timer.every('t', 0.05, print)")
    run.err.wait_for("are not read")
    run.write("s1", "script.on_start(function(r) print(r .. ' anew') end) timer.every('t', 60, print)")
    run.signal(signal.SIGHUP)
    run.err.wait_for("reloaded (generation 2")
    time.sleep(0.3)
    run.out.start()
    run.out.wait_for("reload anew")
    run.signal(signal.SIGINT)
    equal(run.end()[0], 130)


DIRTY = ["esc \x1b[31mred", "del \x7f", "bell \x07", "c1 \u009b31m", "raw \udc9b31m", "nul \x00.",
         "over\rwritten", "\x9b".encode("latin-1").decode("utf-8", "surrogateescape")]
LUA_DIRTY = r"""
print("esc \x1b[31mred", "del \x7f", "bell \a")
print("c1 \u{9b}31m \u{80}\u{9f}", "raw \x9b31m", "nul \0.")
io.write("over\rwritten\n", "dos\r\n", "tab\tstays é 漢 😀\n")
io.stdout:write("\xc2") io.stdout:write("\x9b split\n") io.stdout:write("\xe0\x80\x9b overlong\n")
io.stdout:write("\xe6") io.stdout:write("\xbc") io.stdout:write("\xa2 in pieces\n")
io.write("cr at the end\r") io.write("\n") io.write("cr alone\r") io.write("x\n")
"""


def terminal_is_clean():
    """on a terminal no control character of a stranger's gets through"""
    run = Run(LUA_DIRTY, stdout="pty")
    run.out.start()
    equal(run.end()[0], 0)
    run.out.thread.join(2)
    raw = bytes(run.out.data).replace(b"\r\n", b"\n")
    text = raw.decode("utf-8", "replace")
    for bad in (b"\x1b", b"\x7f", b"\x07", b"\x00", b"\xc2\x9b", b"\xc2\x80", b"\xc2\x9f"):
        assert bad not in raw, (bad, raw)
    for char in text:
        assert char in "\n\t\r" or not (ord(char) < 32 or 127 <= ord(char) < 160), (char, text)
    assert "over?written" in text and "tab\tstays é 漢 😀" in text, text
    assert "漢 in pieces" in text and "cr alone?x" in text, text
    assert "raw ?31m" in text and b"\xc2?" in raw, raw


def unread_at_its_end():
    """what a script had not been read of when it ended itself holds it no longer when it begins anew"""
    run = Run(BEAT, "script.on_start(function() print(('x'):rep(2 << 20)) script.exit(0) end)", watch=True)
    run.err.wait_for("ends itself")
    run.out.start()
    run.out.wait_for("x\n")
    run.write("s2", "script.on_start(function() print 'back' end) timer.every(9, print)")
    run.out.wait_for("back\n")
    run.signal(signal.SIGTERM)
    equal(run.end()[0], 143)


def unread_does_not_hold_its_end():
    """nor does it keep on_stop of a script that ends itself from running"""
    run = Run(BEAT, """
    script.on_stop(function() task.sleep(0.01) io.stderr:write("stopped in order\\n") end)
    script.on_start(function() print(('x'):rep(2 << 20)) script.exit(0) end)""")
    run.err.wait_for("stopped in order")
    assert "in time" not in run.err.text()
    run.signal(signal.SIGTERM)
    equal(run.end()[0], 143)


def pipe_is_raw():
    """into a pipe everything goes as it is"""
    run = Run(LUA_DIRTY)
    run.out.start()
    equal(run.end()[0], 0)
    run.out.all()
    for piece in (b"esc \x1b[31mred", b"\xc2\x9b31m", b"raw \x9b31m", b"nul \x00.", b"over\rwritten\n"):
        assert piece in run.out.data, piece


def log_on_terminal():
    """nor in the log, in either format"""
    for args in ((), ("--log-format", "json")):
        text = r'log.info("m \x1b[31m \u{9b}x \x7f \x9b", { k = "\x1b \u{9b} \x7f" }) error("e \x1b[31m\u{9b}")'
        run = Run(text, stdout="pty", before=lambda: os.dup2(1, 2), args=args)
        run.out.start()
        equal(run.end()[0], 78)
        run.out.thread.join(2)
        for bad in (b"\x1b", b"\x7f", b"\xc2\x9b"):
            assert bad not in run.out.data, (bad, run.out.data)


def loud_logs():
    """neither the log nor failing handlers write without end; what is missing is told, others are not touched"""
    loud = """
    timer.every(0.001, function() error(("x"):rep(200000)) end)
    timer.every(0.001, function() for _ = 1, 1000 do log.info(("y"):rep(1000)) end end)
    """
    path = os.path.join(tempfile.mkdtemp(), "log")
    run = Run(loud, "local n = 0 timer.every(0.1, function() n = n + 1 log.info('quiet ' .. n) end)",
              args=("--log-file", path))
    time.sleep(4)
    run.signal(signal.SIGINT)
    equal(run.end()[0], 130)
    text = open(path).read()
    assert (1 << 18) <= len(text) < (8 << 20), len(text)
    assert max(map(len, text.split("\n20"))) <= 64 << 10
    assert " records dropped" in text
    told = [int(line.split("quiet ")[1]) for line in text.splitlines() if "quiet " in line]
    equal(told, list(range(1, len(told) + 1)))
    assert len(told) >= 10, told


if __name__ == "__main__":
    run_cases([unread_pipe, stopped_terminal, same_terminal, heartbeat_goes_on, waits_of_tasks, subscribers,
           too_much, charged, slow_reader_at_the_end, order, flags, nonblocking, reader_goes,
           reload_while_held, unread_at_its_end, unread_does_not_hold_its_end,
           terminal_is_clean, pipe_is_raw, log_on_terminal, loud_logs])
