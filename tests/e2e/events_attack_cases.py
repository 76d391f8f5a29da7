"""Event streams from hostile servers: lines without end, ids and times that are none, redirects that take
credentials along, tokens that end in the middle, and handlers that fail."""
import gzip
import signal
import socket
import tempfile
import threading
import time

from running import Run, equal, run_cases
from session_peer import remember


class Server:
    """Answers the nth request with answer(n, head, connection); heads are kept."""

    def __init__(self, answer):
        self.heads, self.answer, self.lock = [], answer, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = conn.recv(65536)
            if not piece:
                return
            data += piece
        with self.lock:
            self.heads.append(data.decode("latin-1"))
            number = len(self.heads)
        try:
            self.answer(number, self.heads[-1], conn)
        except OSError:
            pass
        conn.close()

    def header(self, number, name):
        for line in self.heads[number - 1].split("\r\n"):
            if line.lower().startswith(name.lower() + ":"):
                return line.split(":", 1)[1].strip()
        return None


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
OVER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def answered(status, *headers, body=b""):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


LOOP = """
local http = require "tidelock.http"
local function say(...) io.stderr:write(table.concat({ ... }, " "), ".\\n") end
script.on_start(function()
  local ok, err = pcall(function()
    for event in http.events("%s/e", { reconnect = { delay = 0.01, max_delay = 0.05 }, %s }) do
      say("event", event.type, event.data, #(event.id or ""), event.gap and "gap" or "-")
    end
  end)
  say("end", ok and "fine" or tostring(err.code or err), tostring(err))
  say("peak", tostring(collectgarbage "count" < 20000))
  script.exit(0)
end)
"""


def loop(server, options="", **other):
    run = Run(LOOP % (server.url, options), **other)
    status, _ = run.end()
    equal(status, 0)
    return run.err.text()


def peak_of(run):
    with open(f"/proc/{run.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def a_line_without_end():
    """100 MB without a line break, plain or packed, are TOO_LARGE after 1 MiB, and memory stays flat"""
    def pour(_n, _head, conn):
        conn.sendall(STREAM + b"data: ")
        for _ in range(1600):
            conn.sendall(b"x" * 65536)

    def packed(_n, _head, conn):
        body = gzip.compress(b"data: " + b"x" * (100 << 20), 1)
        conn.sendall(STREAM[:-2] + b"Content-Encoding: gzip\r\n\r\n" + body)

    for answer in (pour, packed):
        run = Run((LOOP % (Server(answer).url, "")).replace("script.exit(0)", "task.sleep(10)"))
        run.err.wait_for("peak true")
        text, peak = run.err.text(), peak_of(run)
        run.kill()
        assert "end TOO_LARGE" in text, text
        assert peak < 60000, peak


def endless_comments_and_fields():
    """comments and fields without an event, 60 MB of them, fill no memory and are no event"""
    def answer(number, _head, conn):
        if number == 1:
            conn.sendall(STREAM + b"data: first\n\n")
            for _ in range(900):
                conn.sendall(b": comment\nevent: x\nid: 7\nretry: 5\nunknown: y\n" * 1500)
            conn.sendall(b"data: last\n\n")
        else:
            conn.sendall(OVER)
    server = Server(answer)
    run = Run(LOOP % (server.url, ""))
    run.err.wait_for("last")
    assert run.end()[0] == 0
    equal((run.err.text().count("event "), server.header(2, "last-event-id")), (2, "7"))


def ids_and_times_that_are_none():
    """ids with NUL, CR, of 10 kB; retry 1e99, negative, of 400 digits: none of them does harm"""
    stream = (b"\xef\xbb\xbfretry: 1e99\rretry: -5\rretry: 0x10\rretry: 10\rid: good\rdata: one\r\r"
              b"id: a\0b\rdata: two\r\r")
    def answer(number, _head, conn):
        if number == 1:
            conn.sendall(STREAM + stream)
        elif number == 2:
            conn.sendall(STREAM + b"id: " + b"k" * 10240 + b"\r\nX-Evil: 1\r\ndata: three\r\n\r\n")
        elif number == 3:
            conn.sendall(STREAM + b"id\ndata: four\n\n")
        else:
            conn.sendall(OVER)
    server = Server(answer)
    text = loop(server)
    equal([server.header(n, "last-event-id") for n in (1, 2, 3, 4)], [None, "good", None, None])
    equal([server.header(n, "x-evil") for n in (2, 3, 4)], [None] * 3)
    assert "event message one 4 -" in text and "event message two 4 -" in text, text
    assert "three 10240" in text and "four 0 gap" in text and "end fine" in text, text


def a_retry_of_ages():
    """retry of 400 digits and Retry-After of ages are waits that a Ctrl-C ends, not ones that overflow"""
    for head in (STREAM + b"retry: " + b"9" * 400 + b"\n\n", answered(503, "Retry-After: 99999999999"),
                 answered(503, "Retry-After: -1"), answered(503, "Retry-After: soon"),
                 answered(429, "Retry-After: 1e9")):
        server = Server(lambda number, _head, conn: conn.sendall(head if number == 1 else OVER))
        run = Run(LOOP % (server.url, ""))
        time.sleep(0.5)

        run.signal(signal.SIGINT)
        assert run.end(5)[0] in (0, 130)
        assert len(server.heads) <= 2, len(server.heads)


def a_redirect_that_takes_credentials_along():
    """a redirect to another origin, and a loop of them, get no token, cookie or key of the stream"""
    other = Server(lambda number, _head, conn: conn.sendall(
        STREAM + b"data: away\n\n" if number == 1 else OVER))
    server = Server(lambda _n, _head, conn: conn.sendall(answered(302, f"Location: {other.url}/x")))
    text = loop(server, 'headers = { Authorization = "Bearer secret-1", Cookie = "secret-2" }, last_id = "secret-3"')
    equal([other.header(1, name) for name in ("authorization", "cookie")], [None, None])
    assert "away" in text and "secret-1" not in text, text
    round_and_round = Server(lambda _n, _head, conn: conn.sendall(answered(301, "Location: /e")))
    text = loop(round_and_round)
    assert "end " in text and "end fine" not in text and len(round_and_round.heads) < 50, text


SESSION = """
local http, session = require "tidelock.http", require "tidelock.session"
local url, count = "%s", 0
local me = session.define("me", { origins = { url },
  refresh = function() count = count + 1 return { access = "new-secret", refresh = "r2", expires_in = 3600 } end })
script.on_start(function()
  local ok, err = pcall(function()
    for event in http.events(url .. "/e", { session = me, reconnect = { delay = 0.01 } }) do
      io.stderr:write("event ", event.data, " ", count, ".\\n")
    end
  end)
  io.stderr:write("end ", tostring(ok), " ", tostring(err), ".\\n")
  script.exit(0)
end)
"""


def a_401_in_the_middle():
    """a 401 at a reconnection renews the session once and goes on after the last id"""
    def answer(number, head, conn):
        if number == 1:
            conn.sendall(STREAM + b"id: 1\ndata: one\n\n")
        elif "Bearer new-secret" in head:
            conn.sendall(OVER if number > 3 else STREAM + b"id: 2\ndata: two\n\n")
        else:
            conn.sendall(answered(401))
    server, folder = Server(answer), tempfile.mkdtemp()
    server.access, server.refresh = "old-secret", "r-secret"
    remember(server, folder)
    run = Run(SESSION % server.url, args=("--data", folder))
    run.end()
    text = run.err.text()
    assert "event one" in text and "event two 1" in text and "end true" in text, text
    assert "secret" not in text, text


def errors_of_a_server_that_is_down():
    """503 with Retry-After is waited for as it says; a server that cuts each head is tried again, in time"""
    begun = []

    def answer(number, _head, conn):
        begun.append(time.monotonic())
        if number == 1:
            conn.sendall(answered(503, "Retry-After: 1"))
        elif number < 5:
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty"[:number * 7])
        elif number == 5:
            conn.sendall(STREAM + b"data: at last\n\ndata: half")
        else:
            conn.sendall(OVER)
    text = loop(Server(answer))
    assert begun[1] - begun[0] > 0.9, begun
    assert "event message at last" in text and "half" not in text and "end fine" in text, text


DECLARED = """
local http = require "tidelock.http"
local heard, raised, most, running = 0, 0, 0, 0
local news = http.events("news", "%s/e", { reconnect = { delay = 0.01 } })
news:on(function(event)
  heard = heard + 1
  if heard %% 3 == 0 then error("handler " .. heard) end
  if heard %% 3 == 1 then running = running + 1 most = math.max(most, running) task.sleep(0.01) running = running - 1 end
end)
news:on_state(function(state) if state == "closed" then
  timer.after(0.3, function() io.stderr:write("heard ", heard, " most ", most, ".\\n") script.exit(0) end) end end)
"""


def handlers_that_raise():
    """handlers that raise or wait lose no event, and the stream goes on"""
    def answer(number, _head, conn):
        if number == 1:
            conn.sendall(STREAM + b"data: x\n\n" * 30000)
        else:
            conn.sendall(OVER)
    run = Run(DECLARED % Server(answer).url)
    run.err.wait_for("heard 30000 most ")
    run.end()


def a_thousand_streams():
    """1,000 declared streams at once: each hears its own event, and the end closes all of them"""
    def answer(_number, head, conn):
        conn.sendall(STREAM + b"data: " + head.split(" ")[1].encode() + b"\n\n")
        conn.recv(1)
    server = Server(answer)
    run = Run("""
local http = require "tidelock.http"
local count, wrong = 0, 0
for i = 1, 1000 do
  http.events("s" .. i, "%s/" .. i):on(function(event)
    count = count + 1
    if event.data ~= "/" .. i then wrong = wrong + 1 end
    if count == 1000 then io.stderr:write("all, wrong ", wrong, ".\\n") end
  end)
end""" % server.url)
    run.err.wait_for("all, wrong 0", 60)

    run.signal(signal.SIGTERM)
    assert run.end(10)[1] < 5
    equal(len(server.heads), 1000)


run_cases([value for value in list(globals().values())
           if callable(value) and getattr(value, "__module__", "") == "__main__"
           and getattr(value, "__doc__", None) and value.__name__ != "Server"])
