"""Servers for http_cases.lua: runs the command it is given with their addresses in the
environment, and ends with its status.

HOME_URL, OTHER_URL   two origins that tell what they were sent, and misbehave on request
PROXY_URL             a proxy: it answers every request itself, saying which URL was asked
TLS_GOOD, TLS_WRONG, TLS_EXPIRED, TLS_STALLED, TLS_MUTUAL, CA
                      HOME_URL behind tests/peer/tls/front.py
"""
import base64
import gzip
import http.server
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

gone = threading.Event()
connections = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body, status=200, **headers):
        self.take_body()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def take_body(self):
        length = int(self.headers.get("Content-Length", 0))
        del self.headers["Content-Length"]
        return self.rfile.read(length)

    def tell(self):
        connections.add(self.client_address)
        body = self.take_body()
        seen = {"method": self.command, "path": self.path, "body": body.decode("latin-1"),
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "connections": len(connections)}
        self.answer(json.dumps(seen).encode(), Content_Type="application/json")

    def handle_any(self):
        path = self.path.partition("?")[0]
        if path.startswith("http://"):
            return self.answer(self.path.encode(), Via="1.1 test")
        name = path.strip("/").split("/")[0].replace("-", "_")
        return getattr(self, "on_" + name, self.tell)()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

    def on_gzip(self):
        self.answer(gzip.compress(b"packed " * 1000), Content_Encoding="gzip")

    def on_deflate(self):
        self.answer(zlib.compress(b"packed " * 1000), Content_Encoding="deflate")

    def on_broken_gzip(self):
        self.answer(b"this is no gzip", Content_Encoding="gzip")

    def on_reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def on_cut(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        self.close_connection = True

    def on_garbage(self):
        self.wfile.write(b"\x00\x01garbage\r\n\r\n")
        self.close_connection = True

    def on_chunked(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n")

    def on_endless(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            gone.set()
        self.close_connection = True

    def on_held(self):
        """Says nothing until the client goes away."""
        gone.clear()
        if self.connection.recv(1) == b"":
            gone.set()
        self.close_connection = True

    def on_gone(self):
        self.answer(b"yes" if gone.wait(10) else b"no")

    def on_elsewhere(self):
        self.answer(b"", 302, Location=os.environ["OTHER_URL"] + "/tell")

    def on_at_home(self):
        self.answer(b"", 307, Location="/tell")

    def on_loop(self):
        self.answer(b"", 302, Location="/loop")

    def on_nowhere(self):
        self.answer(b"", 302, Location="ftp://127.0.0.1/")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, address):
        pass


def serve():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def main():
    home = serve()
    env = os.environ
    env["HOME_URL"] = f"http://127.0.0.1:{home}"
    env["OTHER_URL"] = f"http://127.0.0.1:{serve()}"
    env["PROXY_URL"] = f"http://127.0.0.1:{serve()}"
    env["BASIC"] = base64.b64encode(b"me:secret").decode()
    folder = tempfile.mkdtemp()
    front = subprocess.Popen([sys.executable, "tests/peer/tls/front.py", folder, str(home)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    names = "TLS_GOOD", "TLS_WRONG", "TLS_EXPIRED", "TLS_STALLED", "TLS_MUTUAL"
    for name, port in zip(names, front.stdout.readline().split(), strict=True):
        env[name] = f"https://localhost:{port}"
    env["CA"] = os.path.join(folder, "ca.pem")
    status = subprocess.run(sys.argv[1:], check=False).returncode
    front.stdin.close()
    front.wait()
    sys.exit(status)


main()
