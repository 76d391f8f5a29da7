"""Clients that do not read: `greedy_clients.py PORT PATH COUNT` sends so many requests, each on a connection of its own, and
prints how many were answered with each status, in their first bytes, which is all that is read. With PATH `ws`: WebSockets,
which say "go" and read nothing."""
import collections
import socket
import sys

port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
upgrade += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
socks, seen = [], collections.Counter()
for _ in range(count):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    more = upgrade if path == "ws" else ""
    sock.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost:{port}\r\n{more}\r\n".encode())
    seen[sock.recv(12)[9:].decode()] += 1
    if path == "ws":
        sock.sendall(b"\x81\x82\0\0\0\0go")
    socks.append(sock)
for status in sorted(seen):
    print(status, seen[status], flush=True)
sys.stdin.read()
