"""A server that rotates refresh tokens and takes a used one for stolen, and scripts with a session at it."""
import http.server
import json
import os
import threading
import time

from running import Run


class Peer:
    """POST /login, POST /refresh, GET /x. Each refresh token is good once; using it again revokes all."""

    def __init__(self):
        self.lock, self.count = threading.Lock(), 0
        self.access, self.refresh = "access-0-secret", "refresh-0-secret"
        self.refreshes, self.asked, self.unauthorized, self.revoked = 0, 0, 0, False
        self.fault, self.challenge, self.slow = None, None, 0
        self.hold, self.came, self.bodies = threading.Event(), threading.Event(), []
        self.hold.set()
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, value, headers=()):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, text in headers:
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path == "/x":
                    peer.bodies.append(body)
                    self.do_GET()
                else:
                    self.answer(*peer.tokens(self.path, json.loads(body or b"{}")))

            def do_GET(self):
                with peer.lock:
                    peer.asked += 1
                    good = self.headers.get("authorization") == "Bearer " + peer.access
                    peer.unauthorized += not good
                if good:
                    self.answer(200, {"fine": True})
                else:
                    said = [("WWW-Authenticate", peer.challenge)] if peer.challenge else []
                    self.answer(401, {}, said)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket.listen(1024)
        self.server.handle_error = lambda *_: None
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def rotate(self):
        self.count += 1
        self.access, self.refresh = f"access-{self.count}-secret", f"refresh-{self.count}-secret"
        return {"access": self.access, "refresh": self.refresh, "expires_in": 3600}

    def tokens(self, path, body):
        with self.lock:
            if path == "/login":
                self.revoked = False
                return 200, self.rotate()
            self.refreshes += 1
            if self.fault:
                return self.fault
            if body.get("token") != self.refresh:
                self.revoked = True
            answer = (400, {"error": "invalid_grant"}) if self.revoked else (200, self.rotate())
        self.came.set()
        time.sleep(self.slow)
        self.hold.wait(20)
        return answer


SCRIPT = """
local http, session = require "tidelock.http", require "tidelock.session"
local url = "%s"
local api
local function ask(path, body)
  local res, err = api:post(path, { json = body, retries = 0 })
  if not res then return nil, err end
  if res.status == 200 then return res:json() end
  return nil, { code = "HTTP", message = "refused", status = res.status, body = res:json() }
end
local me = session.define("me", {
  login = function() return ask("/login") end,
  refresh = function(token, pair) return ask("/refresh", { token = token }) end,
  logout = function(pair) return true end,
})
api = http.client { base_url = url, session = me, timeout = 20 }
local function say(...) io.stderr:write(table.concat({ ... }, " "), ".\\n") end
local function state() local s = me:state() return s.status .. " " .. (s.reason or "-") end
script.on_start(function()
  %s
  script.exit(0)
end)
"""


def start(peer, folder, body, profile="default", before=None, extra=()):
    return Run(SCRIPT % (peer.url, body), args=("--data", folder, "--profile", profile, *extra), before=before)


def path_of(peer, folder):
    return f"{folder}/sessions/me@http%3A%2F%2F127.0.0.1%3A{peer.port}.json"


def remember(peer, folder, age=3000, **other):
    """What a process of before has left: tokens of that age."""
    os.makedirs(folder + "/sessions", mode=0o700, exist_ok=True)
    record = {"format": 1, "number": 5, "received": time.time() - age, "access": peer.access,
              "refresh": peer.refresh, "pair": {"access": peer.access}, **other}
    with open(path_of(peer, folder), "w") as out:
        json.dump(record, out)
    os.chmod(path_of(peer, folder), 0o600)


def kept(peer, folder):
    with open(path_of(peer, folder)) as file:
        return json.load(file)


def finish(run, status=0):
    got = run.end()[0]
    if got != status:
        raise AssertionError(f"status {got}: {run.err.all()[-3000:]}")
    return run.err.text()
