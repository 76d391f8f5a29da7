"""Hostile clients and hostile pages against our server: server_hostile.py PORT SCRIPT."""
import base64
import os
import re
import socket
import sys
import time

PORT, SCRIPT = int(sys.argv[1]), sys.argv[2]
failed = False


def check(name, held, seen=""):
    global failed
    print(("ok " if held else "not ok ") + name + ("" if held else ": %r" % (seen,)), flush=True)
    failed = failed or not held


def dial():
    s = socket.create_connection(("127.0.0.1", PORT))
    s.settimeout(5)
    return s


def rest(s, most=1 << 30):
    got = b""
    try:
        while len(got) < most:
            part = s.recv(65536)
            if not part:
                break
            got += part
    except socket.timeout:
        got += b"<no end>"
    except OSError:
        got += b"<reset>"
    return got


def say(s, data):
    s.sendall(data.replace(b"HOST\r\n", b"Host: localhost:%d\r\n" % PORT))


def ask(data, half=False):
    s = dial()
    try:
        say(s, data)
    except OSError:
        pass
    if half:
        s.shutdown(socket.SHUT_WR)
    got = rest(s)
    s.close()
    return got


def statuses(got):
    return [int(n) for n in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


def get(path, headers=b"", host=None):
    own = b"Host: " + host + b"\r\n" if host is not None else b"HOST\r\n"
    return ask(b"GET " + path + b" HTTP/1.1\r\n" + own + headers + b"Connection: close\r\n\r\n")


# --- where a request ends -----------------------------------------------------------------------
# What follows each form is a request of its own where the form is taken, and never seen else.

NEXT = b"GET /ok HTTP/1.1\r\nHOST\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def post(headers, body=b""):
    return b"POST /echo HTTP/1.1\r\nHOST\r\n" + headers + b"\r\n" + body


def chunks(text):
    return post(CHUNKED, text)


def line(text, headers=b"HOST\r\n"):
    return text + b"\r\n" + headers + b"\r\n"


TAKEN = {
    "a length": post(b"Content-Length: 5\r\n", b"hello"),
    "a length with zeros": post(b"Content-Length: 0005\r\n", b"hello"),
    "chunks": chunks(HELLO),
    "chunks in capitals": post(b"TRANSFER-ENCODING: CHUNKED\r\n", HELLO),
    "blanks around a value": post(b"Transfer-Encoding:\t chunked \t\r\n", HELLO),
    "chunk extensions": chunks(b'5;a=b;c="d;e\\"f";g\r\nhello\r\n0;x\r\n\r\n'),
    "a last chunk of zeros": chunks(b"5\r\nhello\r\n000\r\n\r\n"),
    "trailers": chunks(b"5\r\nhello\r\n0\r\nX-T: 1\r\nX-U:\r\n\r\n"),
    "the target of a proxy": line(b"GET http://localhost:%d/ok HTTP/1.1" % PORT, b"Host: evil.test\r\n"),
    "empty lines before": b"\r\n\r\n" + line(b"GET /ok HTTP/1.1"),
    "an upgrade to something else": line(b"GET /ok HTTP/1.1", b"HOST\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"),
    "an expectation": post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"),
}
REFUSED = {
    "length and chunks": post(b"Content-Length: 5\r\n" + CHUNKED, HELLO),
    "chunks and length": post(CHUNKED + b"Content-Length: 5\r\n", HELLO),
    "chunks and length 0": post(CHUNKED + b"Content-Length: 0\r\n", HELLO),
    "a blank before the colon": post(b"Content-Length : 5\r\n", b"hello"),
    "a blank before the colon of chunks": post(b"Transfer-Encoding : chunked\r\n", HELLO),
    "a tab before the colon": post(b"Content-Length\t: 5\r\n", b"hello"),
    "bare LF": b"POST /echo HTTP/1.1\nHOST\nContent-Length: 5\n\nhello",
    "one bare LF": b"POST /echo HTTP/1.1\r\nHOST\r\nA: b\nContent-Length: 5\r\n\r\nhello",
    "bare LF at the end": b"POST /echo HTTP/1.1\r\nHOST\r\nContent-Length: 5\r\n\nhello",
    "bare CR": b"POST /echo HTTP/1.1\rContent-Length: 5\r\rhello\r\n\r\n",
    "CR in a value": post(b"X: a\rContent-Length: 5\r\n", b"hello"),
    "CR CR LF": post(b"Content-Length: 5\r\r\n", b"hello"),
    "a folded line": post(b"X: a\r\n b\r\nContent-Length: 5\r\n", b"hello"),
    "a line folded by a tab": post(b"X: a\r\n\tb\r\nContent-Length: 5\r\n", b"hello"),
    "chunked, folded": post(b"Transfer-Encoding:\r\n chunked\r\n", HELLO),
    "a folded first line": b"POST /echo HTTP/1.1\r\n HOST\r\n\r\n",
    "two equal lengths": post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
    "two lengths": post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
    "a list of equal lengths": post(b"Content-Length: 5, 5\r\n", b"hello"),
    "a list of lengths": post(b"Content-Length: 5, 6\r\n", b"hello"),
    "plus": post(b"Content-Length: +5\r\n", b"hello"),
    "minus": post(b"Content-Length: -5\r\n", b"hello"),
    "hexadecimal": post(b"Content-Length: 0x5\r\n", b"hello"),
    "an underscore": post(b"Content-Length: 5_0\r\n", b"hello"),
    "no length": post(b"Content-Length: \r\n", b"hello"),
    "a fraction": post(b"Content-Length: 5.0\r\n", b"hello"),
    "a power": post(b"Content-Length: 5e0\r\n", b"hello"),
    "a huge length": post(b"Content-Length: 99999999999999999999\r\n", b"hello"),
    "a length that wraps": post(b"Content-Length: 18446744073709551621\r\n", b"hello"),
    "two numbers": post(b"Content-Length: 5 5\r\n", b"hello"),
    "a quoted length": post(b'Content-Length: "5"\r\n', b"hello"),
    "a zero byte in a length": post(b"Content-Length: 5\0\r\n", b"hello"),
    "a vertical tab": post(b"Content-Length: \x0b5\r\n", b"hello"),
    "an Arabic digit": post("Content-Length: \u0665\r\n".encode(), b"hello"),
    "identity and length": post(b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", b"hello"),
    "identity": post(b"Transfer-Encoding: identity\r\n", b"hello"),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", HELLO),
    "chunked, gzip": post(b"Transfer-Encoding: chunked, gzip\r\n", HELLO),
    "chunked twice in one": post(b"Transfer-Encoding: chunked, chunked\r\n", HELLO),
    "chunked twice": post(CHUNKED + CHUNKED, HELLO),
    "identity, then chunked": post(b"Transfer-Encoding: identity\r\n" + CHUNKED, HELLO),
    "xchunked": post(b"Transfer-Encoding: xchunked\r\n", HELLO),
    "chunkedx": post(b"Transfer-Encoding: chunkedx\r\n", HELLO),
    "chunked in quotes": post(b'Transfer-Encoding: "chunked"\r\n', HELLO),
    "a vertical tab before chunked": post(b"Transfer-Encoding: \x0bchunked\r\n", HELLO),
    "chunked;": post(b"Transfer-Encoding: chunked;\r\n", HELLO),
    "chunked,": post(b"Transfer-Encoding: chunked,\r\n", HELLO),
    ",chunked": post(b"Transfer-Encoding: ,chunked\r\n", HELLO),
    "a zero byte after chunked": post(b"Transfer-Encoding: chunked\0\r\n", HELLO),
    "no coding and a length": post(b"Transfer-Encoding: \r\nContent-Length: 5\r\n", b"hello"),
    "chunks in HTTP/1.0": b"POST /echo HTTP/1.0\r\nHOST\r\n" + CHUNKED + b"\r\n" + HELLO,
    "an open quote in an extension": chunks(b'5;a="\r\nhello\r\n0\r\n\r\n'),
    "LF after an extension": chunks(b"5;a\nhello\r\n0\r\n\r\n"),
    "CR in an extension": chunks(b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    "a long extension": chunks(b"5;" + b"a" * 20000 + b"\r\nhello\r\n0\r\n\r\n"),
    "a nameless extension": chunks(b"5;\r\nhello\r\n0\r\n\r\n"),
    "a blank after a size": chunks(b"5 \r\nhello\r\n0\r\n\r\n"),
    "a blank before a size": chunks(b" 5\r\nhello\r\n0\r\n\r\n"),
    "a size below 0": chunks(b"-5\r\nhello\r\n0\r\n\r\n"),
    "a size with plus": chunks(b"+5\r\nhello\r\n0\r\n\r\n"),
    "a size with 0x": chunks(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a size with _": chunks(b"0_5\r\nhello\r\n0\r\n\r\n"),
    "no size": chunks(b"\r\nhello\r\n0\r\n\r\n"),
    "a size that wraps": chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "LF after a size": chunks(b"5\nhello\r\n0\r\n\r\n"),
    "LF after a chunk": chunks(b"5\r\nhello\n0\r\n\r\n"),
    "CR after a chunk": chunks(b"5\r\nhello\r0\r\n\r\n"),
    "more than its size": chunks(b"5\r\nhelloxx\r\n0\r\n\r\n"),
    "less than its size": chunks(b"6\r\nhello\r\n0\r\n\r\n"),
    "a length in a trailer": chunks(b"5\r\nhello\r\n0\r\nContent-Length: 40\r\n\r\n"),
    "a coding in a trailer": chunks(b"5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n"),
    "a host in a trailer": chunks(b"5\r\nhello\r\n0\r\nHost: x\r\n\r\n"),
    "no header in a trailer": chunks(b"5\r\nhello\r\n0\r\njunk\r\n\r\n"),
    "a folded trailer": chunks(b"5\r\nhello\r\n0\r\nX: 1\r\n y: z\r\n\r\n"),
    "a zero byte in a trailer": chunks(b"5\r\nhello\r\n0\r\nX: \0\r\n\r\n"),
    "LF in a trailer": chunks(b"5\r\nhello\r\n0\r\nX: 1\n\r\n"),
    "a request in a trailer": chunks(b"5\r\nhello\r\n0\r\nGET /ok HTTP/1.1\r\n\r\n"),
    "LF at the end of chunks": chunks(b"5\r\nhello\r\n0\r\n\n"),
    "no version": line(b"GET /ok"),
    "HTTP/1.2": line(b"GET /ok HTTP/1.2"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/1.1": line(b"GET /ok http/1.1"),
    "HTTP/1.10": line(b"GET /ok HTTP/1.10"),
    "two blanks": line(b"GET  /ok HTTP/1.1"),
    "two blanks behind": line(b"GET /ok  HTTP/1.1"),
    "a blank at the end": line(b"GET /ok HTTP/1.1 "),
    "tabs": line(b"GET\t/ok\tHTTP/1.1"),
    "a blank before": line(b" GET /ok HTTP/1.1"),
    "a blank in the target": line(b"GET /o k HTTP/1.1"),
    "a fragment": line(b"GET /ok#x HTTP/1.1"),
    "a target beyond ASCII": line("GET /\u00f6 HTTP/1.1".encode()),
    "a relative target": line(b"GET ok HTTP/1.1"),
    "a backslash": line(b"GET \\ok HTTP/1.1"),
    "CONNECT": line(b"CONNECT localhost:80 HTTP/1.1"),
    "an odd method": line(b"GE(T /ok HTTP/1.1"),
    "no colon": line(b"GET /ok HTTP/1.1", b"HOST\r\njunk\r\n"),
    "no name": line(b"GET /ok HTTP/1.1", b"HOST\r\n: x\r\n"),
    "a blank in a name": line(b"GET /ok HTTP/1.1", b"HOST\r\nA B: x\r\n"),
    "a zero byte in a name": line(b"GET /ok HTTP/1.1", b"HOST\r\nA\0B: x\r\n"),
    "a zero byte in a value": line(b"GET /ok HTTP/1.1", b"HOST\r\nA: x\0y\r\n"),
    "another expectation": post(b"Expect: tea\r\nContent-Length: 5\r\n", b"hello"),
    "101 headers": line(b"GET /ok HTTP/1.1", b"HOST\r\n" + b"A: b\r\n" * 100),
    "a long line": line(b"GET /" + b"a" * 20000 + b" HTTP/1.1"),
    "a long header": line(b"GET /ok HTTP/1.1", b"HOST\r\nA: " + b"a" * 20000 + b"\r\n"),
    "no host": line(b"GET /ok HTTP/1.1", b""),
    "two hosts": line(b"GET /ok HTTP/1.1", b"HOST\r\nHOST\r\n"),
}
wrong = {}
for name, data in TAKEN.items():
    seen = [n for n in statuses(ask(data + NEXT)) if n != 100]
    if seen != [200, 200]:
        wrong[name] = seen
check("%d forms of requests are read, and what follows them" % len(TAKEN), not wrong, wrong)
wrong = {}
for name, data in REFUSED.items():
    got = ask(data + NEXT)
    seen = statuses(got)
    if len(seen) != 1 or not 400 <= seen[0] <= 505 or seen[0] == 500 or got.endswith(b"<no end>"):
        wrong[name] = got[:200]
check("%d forms are refused, with what follows them" % len(REFUSED), not wrong, wrong)

# --- who is let in ------------------------------------------------------------------------------

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
WANTS = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
POLL = b"/socket.io/?EIO=4&transport=polling"
PLACES = {"a route": (b"/ok", b"", 200), "a WebSocket": (b"/ws", WANTS + KEY, 101),
          "Socket.IO": (b"/socket.io/?EIO=4&transport=websocket", WANTS + KEY, 101), "polling": (POLL, b"", 200)}
OWN = b"localhost:%d" % PORT


def first_status(path, headers, host=OWN):
    s = dial()
    s.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + headers + b"\r\n")
    got = rest(s, 12)
    s.close()
    return (statuses(got + b" ") or [got])[0]


for name, (path, headers, right) in PLACES.items():
    def origin(text):
        return first_status(path, headers + b"Origin: " + text + b"\r\n")
    check(name + ": no page, its own, and those let in",
          [first_status(path, headers)] + [origin(o) for o in (
              b"http://" + OWN, b"http://127.0.0.1:%d" % PORT, b"http://page.test", b"https://app.test")]
          == [right] * 5)
    seen = [origin(o) for o in (b"http://evil.test", b"https://" + b"evil.test:%d" % PORT, b"null", b"http://localhost",
                                b"http://page.test.evil.test", b"http://page.test:81", b"https://page.test",
                                b"http://" + OWN + b".evil.test", b"file://", b"")]
    check(name + ": a stranger's page is refused", seen == [403] * 10, seen)
    seen = [first_status(path, headers, host) for host in (
        b"evil.test", b"evil.test:%d" % PORT, b"localhost", b"localhost:1", b"127.0.0.1.evil.test:%d" % PORT, b"",
        b"0.0.0.0:%d" % PORT, b"[::]:%d" % PORT, b"2130706433:%d" % PORT)]
    check(name + ": a stranger's name is refused", seen == [421] * 9, seen)
seen = [first_status(b"/ws", WANTS + k) for k in (KEY + KEY, b"", b"Sec-WebSocket-Key: x\r\n")]
check("a WebSocket with two keys, none, or a wrong one is refused", seen == [400] * 3, seen)
got = ask(b"OPTIONS " + POLL + b" HTTP/1.1\r\nHOST\r\nOrigin: https://app.test\r\nConnection: close\r\n"
          b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a\r\n\r\n")
check("a page that is let in may poll with credentials",
      statuses(got) == [204] and b"Access-Control-Allow-Origin: https://app.test\r\n" in got
      and b"Access-Control-Allow-Credentials: true\r\n" in got and b"Access-Control-Allow-Headers: x-a\r\n" in got, got)
got = ask(b"OPTIONS " + POLL + b" HTTP/1.1\r\nHOST\r\nOrigin: https://evil.test\r\nConnection: close\r\n"
          b"Access-Control-Request-Method: POST\r\n\r\n")
check("another is not", statuses(got) == [403] and b"Access-Control" not in got, got)

seen = [first_status(POLL, b"Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: " + site + b"\r\n")
        for site in (b"cross-site", b"same-site", b"same-origin", b"none")]
check("a page that hides its origin opens no session", seen == [403, 403, 200, 200], seen)

with open(SCRIPT) as file:
    text = file.read()
with open(SCRIPT, "w") as file:
    file.write(text.replace("local HOSTS = {}", 'local HOSTS = { "new.test" }'))
kept = dial()
deadline = time.time() + 10
while first_status(b"/ok", b"", b"new.test") != 200 and time.time() < deadline:
    time.sleep(0.02)
check("a name that a reload adds is let in", first_status(b"/ok", b"", b"new.test") == 200)
kept.close()

# --- half-closed ----------------------------------------------------------------------------------

got = ask(b"GET /slow HTTP/1.1\r\nHOST\r\n\r\nGET /big HTTP/1.1\r\nHOST\r\n\r\n" + line(b"GET /ok HTTP/1.1"), half=True)
check("a client that closed its sending half gets all its answers",
      statuses(got) == [200] * 3 and got.endswith(b"ok") and len(got) > 8 << 20, got[-200:])
got = ask(b"POST /echo HTTP/1.1\r\nHOST\r\nContent-Length: 10\r\n\r\nhalf", half=True)
check("one whose request is not whole is let go", got == b"", got)
got = ask(line(b"OPTIONS * HTTP/1.1", b"HOST\r\nConnection: close\r\n"))
check("OPTIONS * is answered", statuses(got) == [204] and b"Allow: GET, HEAD, OPTIONS, POST\r\n" in got, got)

# --- scripts that fail ------------------------------------------------------------------------------

for path in (b"/deep", b"/nest", b"/raises", b"/object", b"/yields", b"/ok?yield=1", b"/status/low",
             b"/status/interim", b"/status/high", b"/status/wraps", b"/header/splits", b"/header/lf",
             b"/header/zero", b"/header/name", b"/header/length", b"/header/coding", b"/header/function"):
    got = get(path)
    check("%s is answered with 500" % path.decode(), statuses(got) == [500] and b"Set-Cookie" not in got, got)
check("a list is a header each", b"X-A: a\r\nX-A: b\r\n" in get(b"/header/list"))
for path in (b"/empty/304", b"/empty/204", b"/empty/205"):
    got = ask(b"GET " + path + b" HTTP/1.1\r\nHOST\r\n\r\n" + NEXT)
    check("%s has no body" % path.decode(), b"body" not in got and statuses(got) == [int(path[-3:]), 200], got)
for path, status in ((b"/ws/raises", 500), (b"/ws/offers", 500), (b"/none", 404)):
    check("%s answers" % path.decode(), first_status(path, WANTS + KEY) == status)


def frame(text, opcode=1):
    mask = os.urandom(4)
    length = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0xfe]) + len(text).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text))


def open_ws(path):
    s = dial()
    say(s, b"GET " + path + b" HTTP/1.1\r\nHOST\r\n" + WANTS + KEY + b"\r\n")
    return s


def until(s, text):
    got = b""
    try:
        while text not in got:
            part = s.recv(65536)
            if not part:
                break
            got += part
    except OSError:
        pass
    return got


s = open_ws(b"/ws/opens")
check("a WebSocket whose open fails is closed", b"\x03\xf3internal error" in until(s, b"internal error"))
s.close()
for auth in (b'{"deep":1}', b'{"yields":1}'):
    s = open_ws(b"/socket.io/?EIO=4&transport=websocket")
    until(s, b"}")
    s.sendall(frame(b"40" + auth))
    got = until(s, b"}")
    check("a client whose middleware fails is told: %s" % auth.decode(), b"44{" in got, got)
    s.close()
s = open_ws(b"/socket.io/?EIO=4&transport=websocket")
until(s, b"}")
s.sendall(frame(b"40"))
until(s, b"40{")
for text in (b'42["raises"]', b'42["deep"]', b'421["ask"]'):
    s.sendall(frame(text))
check("after handlers that failed others answer", b'431["here"]' in until(s, b"here"))
s.close()

# --- slow and greedy clients ------------------------------------------------------------------------


def trickle(first, step, seconds):
    s = dial()
    begin = time.time()
    try:
        say(s, first)
        while time.time() - begin < seconds:
            s.sendall(step)
            time.sleep(0.05)
    except OSError:
        pass
    got = rest(s)
    s.close()
    return got, time.time() - begin


for name, first, step in (("its head", b"GET /ok HTTP/1.1\r\nHOST\r\n", b"A: b\r\n"), ("its line", b"GET /", b"a"),
                          ("a body", b"POST /echo HTTP/1.1\r\nHOST\r\nContent-Length: 9999\r\n\r\n", b"x"),
                          ("chunks", b"POST /echo HTTP/1.1\r\nHOST\r\n" + CHUNKED + b"\r\n", b"1\r\nx\r\n")):
    got, took = trickle(first, step, 4)
    check("who trickles %s is let go in time" % name, took < 4 and statuses(got) in ([408], []), (took, got))
s = dial()
begin = time.time()
check("who says nothing is let go", rest(s) == b"" and time.time() - begin < 3)
s = dial()
say(s, line(b"GET /ok HTTP/1.1"))
begin = time.time()
check("who asks nothing more is let go", statuses(rest(s)) == [200] and time.time() - begin < 4)
s = dial()
say(s, b"GET /big HTTP/1.1\r\nHOST\r\n\r\n" * 20)
time.sleep(2.5)
got = rest(s)
check("who does not read is let go", len(got) < 20 * (8 << 20), len(got))
crowd = [dial() for _ in range(400)]
check("of too many some are closed", sum(1 for s in crowd[350:] if rest(s, 1) in (b"", b"<reset>")) >= 50)
for s in crowd:
    s.close()
deadline = time.time() + 10
while statuses(get(POLL)) != [200] and time.time() < deadline:
    time.sleep(0.05)
seen = statuses(ask(line(b"GET " + POLL + b" HTTP/1.1") * 320, half=True))
check("of too many sessions some are refused", len(seen) == 320 and 0 < seen.count(503) < 100, seen)
while statuses(get(POLL)) != [200] and time.time() < deadline:
    time.sleep(0.05)
check("those that join nothing go", statuses(get(POLL)) == [200])
deadline = time.time() + 10
while statuses(get(b"/ok")) != [200] and time.time() < deadline:
    time.sleep(0.05)
check("then others are served", statuses(get(b"/ok")) == [200])
sys.exit(failed)
