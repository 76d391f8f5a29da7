"""A server that wants the memory of whoever connects, and his time. `greedy_servers.py` prints its port; what it does with a
connection stands in the path:

  /ws/deaf      a WebSocket that reads nothing after the handshake
  /ws/fragments one message in fragments, without an end
  /ws/giant     a frame that announces 2^40 bytes
  /ws/tiny      empty messages, as many as are taken
  /ws/bomb      a small message that inflates to 90 MB, again and again
  /http/head    headers without an end
  /http/chunks  8 MB in chunks of one byte
  /http/long    a body without an end
  /http/bomb    gzip of 2 GB
  /http/sink    takes a body as fast as it comes
  /poll/WHAT    Engine.IO: an answer of MB megabytes (?mb=) of one packet; WHAT: noop, ping, event, empty, big,
                or tree: a binary event whose JSON takes 30 times its text; or one event of many parts
                (numbers, lists, objects, keys, files), or what lets in (connect) or refuses (refuse)
  /poll/ack     answers an event with an id by MB megabytes of numbers
  /poll/deaf    Engine.IO whose POSTs are never answered
"""
import base64
import hashlib
import queue
import re
import socket
import threading
import time
import zlib

HELLO = '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000000000}'
PACKETS = {"noop": b"6", "ping": b"2", "event": b'42["a"]', "empty": b"4"}


def repeat(part, size):
    return part * (size // len(part))


def large(what, size):
    person = b'{"id":12345,"name":"somebody","text":"hello world","on":true},'
    if what == "numbers":
        return b'42["a",[' + repeat(b"1,", size) + b"1]]"
    if what == "lists":
        return b'42["a",[' + repeat(b"[1,[2]],", size) + b"1]]"
    if what == "objects":
        return b'42["a",{"in":{"it":[' + repeat(person, size) + b"1]}}]"
    if what == "keys":
        return b'42["a",{' + b",".join(b'"key%d":%d' % (i, i) for i in range(size // 18)) + b"}]"
    if what == "files":
        return b'451-["a",{"_placeholder":true,"num":0},[' + repeat(person, size) + b"1]]\x1ebAA=="
    if what == "connect":
        return b'40{"sid":"s","x":[' + repeat(b"[],", size) + b"1]}"
    if what == "refuse":
        return b'44{"message":"no","data":[' + repeat(b"[],", size) + b"1]}"
    return None


def head(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return None, None, b""
        data += more
    top, rest = data.split(b"\r\n\r\n", 1)
    return top.split(b" ")[0].decode(), top.decode("latin-1"), rest


def length(text):
    found = re.search(r"(?i)content-length: (\d+)", text)
    return int(found[1]) if found else 0


def whole_body(sock, text, rest):
    while len(rest) < length(text):
        rest += sock.recv(65536)
    return rest


def drop_body(sock, text, rest):
    left = length(text) - len(rest)
    while left > 0:
        got = sock.recv(min(left, 1 << 20))
        if not got:
            return False
        left -= len(got)
    return True


def frame(first, data):
    if len(data) < 126:
        size = bytes([len(data)])
    elif len(data) < 65536:
        size = b"\x7e" + len(data).to_bytes(2, "big")
    else:
        size = b"\x7f" + len(data).to_bytes(8, "big")
    return bytes([first]) + size + data


def websocket(sock, text, what):
    key = re.search(r"(?i)sec-websocket-key: (\S+)", text)[1]
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    answer += "Sec-WebSocket-Accept: " + base64.b64encode(digest).decode() + "\r\n"
    if what == "bomb":
        answer += "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    sock.sendall((answer + "\r\n").encode())
    if what == "deaf":
        time.sleep(1000)
    elif what == "fragments":
        sock.sendall(frame(0x01, b""))
        while True:
            sock.sendall(frame(0x00, b"x" * 60000))
    elif what == "giant":
        sock.sendall(b"\x82\x7f" + (1 << 40).to_bytes(8, "big"))
        while True:
            sock.sendall(b"x" * 60000)
    elif what == "tiny":
        while True:
            sock.sendall(frame(0x81, b"") * 10000)
    elif what == "bomb":
        while True:
            squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
            small = squeeze.compress(b"x" * 90000000) + squeeze.flush(zlib.Z_SYNC_FLUSH)
            sock.sendall(frame(0xC1, small[:-4]))


def http(sock, text, rest, what):
    if what == "sink":
        if drop_body(sock, text, rest):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
        return
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    if what == "head":
        while True:
            sock.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
    elif what == "chunks":
        sock.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(800):
            sock.sendall(b"1\r\nx\r\n" * 10000)
        sock.sendall(b"0\r\n\r\n")
    elif what == "long":
        sock.sendall(b"\r\n")
        while True:
            sock.sendall(b"x" * 60000)
    elif what == "bomb":
        sock.sendall(b"Content-Encoding: gzip\r\n\r\n")
        squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
        for _ in range(2000):
            sock.sendall(squeeze.compress(b"x" * 1000000))


def polling(sock, method, text, rest, what):
    def say(body):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    if method == "POST":
        if what == "deaf":
            time.sleep(1000)
        if what == "ack":
            for number in re.findall(rb"42(\d+)", whole_body(sock, text, rest)):
                asked.put(number)
            say(b"ok")
            return
        if drop_body(sock, text, rest):
            say(b"ok")
        return
    if "sid=" not in text.split("\r\n")[0]:
        say(HELLO.encode())
        return
    with lock:
        turn = polls[what] = polls.get(what, 0) + 1
    if turn == 1:
        say(b'40{"sid":"s"}')
    elif turn == 2 and what != "deaf":
        megabytes = int(re.search(r"mb=(\d+)", text)[1])
        if what == "ack":
            say(b"43" + asked.get() + b"[[" + repeat(b"1,", megabytes << 20) + b'1]]\x1e42["end"]')
        elif large(what, megabytes << 20):
            say(large(what, megabytes << 20) + b'\x1e42["end"]')
        elif what == "big":
            say(b'42["a","' + b"x" * (megabytes << 20) + b'"]')
        elif what == "tree":
            many = b"[]," * ((megabytes << 20) // 3)
            tree = b'451-["a",{"_placeholder":true,"num":0},[' + many + b"1]]"
            say(tree + b'\x1ebAA==\x1e42["end"]')
        else:
            packet = PACKETS[what] + b"\x1e"
            say(packet * ((megabytes << 20) // len(packet)) + b'42["end"]')
    else:
        time.sleep(1000)


polls, lock, asked = {}, threading.Lock(), queue.Queue()


def serve(sock):
    try:
        while True:
            method, text, rest = head(sock)
            if not method:
                return
            kind, what = re.search(r"/(ws|http|poll)/(\w+)", text).groups()
            if kind == "ws":
                websocket(sock, text, what)
                return
            if kind == "poll":
                polling(sock, method, text, rest, what)
            else:
                http(sock, text, rest, what)
                if what != "sink":
                    return
    except OSError:
        pass
    finally:
        sock.close()


listener = socket.create_server(("127.0.0.1", 0), backlog=200)
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
