"""What a server says of clients that it closes and messages that it drops: the first of a kind
at WARN, with the client, the figure, the limit and what to do; the others counted."""
import base64
import os
import signal
import socket
import struct

from running import Run, run_cases

SERVER = """local server = require "tidelock.server"
local srv = server.listen("web", { port = 0 %s })
%s
script.on_start(function() io.stderr:write("port ", srv.port, ".\\n") end)
"""


def start(options="", body=""):
    run = Run(SERVER % (options and ", " + options, body))
    run.err.wait_for(".\n")
    run.port = int(run.err.text().split("port ")[1].split(".")[0])
    return run


def dial(run):
    sock = socket.create_connection(("127.0.0.1", run.port), 20)
    sock.settimeout(20)
    return sock


def until_end(sock):
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def until_text(sock, text):
    data = b""
    while text not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


def ask(run, text):
    sock = dial(run)
    sock.sendall(text.replace("\n", "\r\n").encode())
    return sock


def websocket(run, path):
    key = base64.b64encode(os.urandom(16)).decode()
    sock = ask(run, f"GET {path} HTTP/1.1\nHost: localhost:{run.port}\nUpgrade: websocket\n"
               f"Connection: Upgrade\nSec-WebSocket-Key: {key}\nSec-WebSocket-Version: 13\n\n")
    until_text(sock, b"\r\n\r\n")
    return sock


def frame(text, opcode=1):
    size = len(text)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack("!H", size) \
        if size < 65536 else bytes([0x80 | 127]) + struct.pack("!Q", size)
    return head + bytes(4) + text.encode()


def lines_of(run, word):
    return [line for line in run.err.text().splitlines() if word in line]


def finish(run):
    run.signal(signal.SIGTERM)
    run.end()


def expect_line(run, *words):
    """Exactly one line at WARN has the first word, and it has all the others."""
    run.err.wait_for(words[0])
    lines = lines_of(run, words[0])
    assert len(lines) == 1, lines
    assert "WARN" in lines[0].upper(), lines
    for word in words[1:] + (f"port {run.port}:", "127.0.0.1", "others like it are counted"):
        assert word in lines[0], (word, lines)


FLOOD = """
srv:io():on("connection", function(sock)
  local text, sent, err = ("x"):rep(20000), 0, nil
  repeat
    local ok
    ok, err = sock:emit("news", text)
    if ok then sent = sent + 1 end
  until not ok
  io.stderr:write(("emits end: %d %s\\n"):format(sent, err.code))
end)
"""


def emits_beyond_max_backlog():
    """a flood of emits beyond max_backlog: who is closed, how much waits, the limit"""
    run = start("max_backlog = 100000", FLOOD)
    for n in range(3):
        sock = websocket(run, "/socket.io/?EIO=4&transport=websocket")
        sock.sendall(frame("40"))
        until_end(sock)
    run.err.wait_for("emits end: 4 BUFFER_FULL")
    expect_line(run, "is closed: it has not read", "(socket ", "max_backlog (100000)", "emit less")
    finish(run)
    assert lines_of(run, "2 more clients were closed that did not read (max_backlog)"), run.err.text()


def emits_without_a_poll():
    """a client that does not poll any more"""
    body = FLOOD.replace("20000", "2")
    run = start("", body)
    get = "GET /socket.io/?EIO=4&transport=polling%s HTTP/1.1\nHost: localhost\nConnection: close\n\n"
    get = get.replace("localhost", f"localhost:{run.port}")
    sid = until_end(ask(run, get % "")).split(b'"sid":"')[1].split(b'"')[0].decode()
    post = (f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\nHost: localhost:{run.port}\n"
            "Connection: close\nContent-Length: 2\n\n40")
    until_end(ask(run, post))
    run.err.wait_for("emits end: 999 BUFFER_FULL")
    expect_line(run, "packets wait for it to poll", "1000", "emit less")
    finish(run)


def plain_websocket_is_told_by_the_result():
    """a plain WebSocket stays open: ws:send returns BUFFER_FULL with the figures"""
    body = """srv:websocket("/feed", { open = function(ws)
      local ok, err
      repeat ok, err = ws:send(("x"):rep(10000)) until not ok
      io.stderr:write(err.code, " ", err.message, "\\n")
    end })"""
    run = start("max_backlog = 50000", body)
    websocket(run, "/feed")
    run.err.wait_for("BUFFER_FULL the client has not read 4")
    run.err.wait_for("max_backlog (50000)")
    finish(run)


def too_many_connections():
    """connections beyond max_connections"""
    run = start("max_connections = 2")
    socks = [ask(run, f"GET / HTTP/1.1\nHost: localhost:{run.port}\n\n") for _ in range(2)]
    for sock in socks:
        until_text(sock, b"\r\n\r\n")
    for n in range(4):
        until_end(dial(run))
    expect_line(run, "a connection of 127.0.0.1 is refused", "2 are open", "max_connections")
    finish(run)
    assert lines_of(run, "3 more clients were refused (max_connections)"), run.err.text()


def too_many_sessions():
    """Socket.IO sessions beyond max_connections"""
    run = start("max_connections = 3", "srv:io()")
    get = (f"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\nHost: localhost:{run.port}\n"
           "Connection: close\n\n")
    answers = [until_end(ask(run, get)) for _ in range(4)]
    assert b" 503 " in answers[3], answers
    expect_line(run, "is refused with 503", "3 have sessions", "max_connections")
    finish(run)


def a_client_that_takes_nothing():
    """a client that takes no byte for write_timeout"""
    body = 'srv:get("/big", function() return ("x"):rep(30000000) end)'
    run = start("write_timeout = 0.3", body)
    sock = ask(run, f"GET /big HTTP/1.1\nHost: localhost:{run.port}\n\n")
    expect_line(run, "it has taken nothing for 0.3 s (write_timeout)", "bytes wait for it")
    sock.close()
    finish(run)


def a_late_request():
    """a head or a body that does not arrive in time: each limit by its name"""
    run = start("head_timeout = 0.2, request_timeout = 5")
    assert b" 408 " in until_end(ask(run, "GET / HT"))
    expect_line(run, "refused with 408", "its head did not arrive within 0.2 s (head_timeout)")
    finish(run)
    run = start("head_timeout = 5, request_timeout = 0.2")
    sock = ask(run, f"POST / HTTP/1.1\nHost: localhost:{run.port}\nContent-Length: 9\n\nx")
    assert b" 408 " in until_end(sock)
    expect_line(run, "refused with 408", "its body did not arrive within 0.2 s (request_timeout)")
    finish(run)


def what_is_too_large():
    """a head, a body, a WebSocket message, a payload that are too large"""
    cases = {
        431: f"GET / HTTP/1.1\nHost: localhost\nX: {'x' * 3000}\n\n",
        414: f"GET /{'x' * 3000} HTTP/1.1\nHost: localhost\n\n",
        413: f"POST / HTTP/1.1\nHost: localhost\nContent-Length: 7000\n\n",
    }
    for status, text in cases.items():
        run = start("max_head = 2000, max_body = 5000")
        assert b" %d " % status in until_end(ask(run, text.replace("localhost", f"localhost:{run.port}")))
        expect_line(run, f"is refused with {status}", "max_head is 2000 bytes, max_body 5000", "raise the limit")
        finish(run)
    run = start("max_message = 1000", 'srv:websocket("/feed", {})')
    sock = websocket(run, "/feed")
    sock.sendall(frame("x" * 1001))
    until_end(sock)
    expect_line(run, "max_message is 1000 bytes", "is closed", "raise it")
    finish(run)
    run = start("", "srv:io({ max_payload = 500 })")
    sock = websocket(run, "/socket.io/?EIO=4&transport=websocket")
    sock.sendall(frame("4" + "x" * 500))
    until_end(sock)
    expect_line(run, "it sent 501 bytes, and max_payload is 500", "is closed")
    finish(run)


def what_breaks_the_protocol():
    """frames and packets that are none"""
    run = start("", 'srv:websocket("/feed", {})')
    sock = websocket(run, "/feed")
    sock.sendall(b"\x81\x01x")  # not masked
    until_end(sock)
    expect_line(run, "it broke the WebSocket protocol", "(1002)")
    finish(run)
    for text in ("4", "49[]", '42["x"]', "452-[]", "7"):
        run = start("", "srv:io()")
        sock = websocket(run, "/socket.io/?EIO=4&transport=websocket")
        sock.sendall(frame(text) + frame(text))
        until_end(sock)
        expect_line(run, "no packet that Socket.IO expects there", "is closed")
        finish(run)


def a_client_that_never_joins():
    """a session that joins no namespace"""
    run = start("", "srv:io({ connect_timeout = 0.2 })")
    until_end(websocket(run, "/socket.io/?EIO=4&transport=websocket"))
    expect_line(run, "it joined no namespace within 0.2 s (connect_timeout)")
    finish(run)


def ordinary_ends_are_silent():
    """clients that leave, requests that are wrong, connections that are idle: no line"""
    run = start("idle_timeout = 0.1", 'srv:io() srv:websocket("/feed", {})')
    sock = websocket(run, "/socket.io/?EIO=4&transport=websocket")
    sock.sendall(frame("40") + frame("41") + frame("1"))
    until_end(sock)
    sock = websocket(run, "/feed")
    sock.sendall(frame("", 8))
    until_end(sock)
    until_end(ask(run, f"GET /none HTTP/1.1\nHost: localhost:{run.port}\n\n"))
    until_end(ask(run, "what?\n\n"))
    finish(run)
    assert not lines_of(run, "WARN") and not lines_of(run, "warn"), run.err.text()


run_cases([emits_beyond_max_backlog, emits_without_a_poll, plain_websocket_is_told_by_the_result,
           too_many_connections, too_many_sessions, a_client_that_takes_nothing, a_late_request,
           what_is_too_large, what_breaks_the_protocol, a_client_that_never_joins,
           ordinary_ends_are_silent])
