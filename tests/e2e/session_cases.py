"""Sessions over processes, disks and ends: a server that rotates refresh tokens and takes a used one
for stolen, and processes that are killed, meet at once, or have a full disk."""
import glob
import os
import resource
import signal
import socket
import tempfile
import time

from running import Run, equal, run_cases
from session_peer import SCRIPT, Peer, finish, kept, path_of, remember, start


def a_login_is_on_the_disk_and_the_next_process_goes_on_with_it():
    """a login is on the disk, for its owner alone, and the next process goes on with it"""
    peer, folder = Peer(), tempfile.mkdtemp()
    text = finish(start(peer, folder, 'say(tostring(me:login())) say("status", api:get("/x").status)'))
    assert "true." in text and "status 200" in text, text
    equal(os.stat(path_of(peer, folder)).st_mode & 0o777, 0o600)
    equal(os.stat(folder + "/sessions").st_mode & 0o777, 0o700)
    text = finish(start(peer, folder, 'say("status", api:get("/x").status)', "other"))
    assert "status 200" in text, text
    equal(peer.refreshes, 0)


def five_parallel_401s_are_one_refresh():
    """axios: 5 parallel 401s = one refresh, and none of the five is forgotten; bodies are sent again"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access, peer.slow = "another", 0.3
    text = finish(start(peer, folder, """
  local all = {}
  local got = {}
  for i = 1, 5 do all[i] = function() got[i] = api:post("/x", { body = "body " .. i }).status end end
  task.all(all)
  say("statuses", table.concat(got, " "))"""))
    assert "statuses 200 200 200 200 200" in text, text
    equal((peer.refreshes, peer.unauthorized, len(peer.bodies)), (1, 5, 10))
    equal(sorted(set(peer.bodies)), [b"body %d" % i for i in range(1, 6)])


def a_401_whose_cause_is_not_the_token_does_not_loop():
    """axios#5700: a 401 whose cause is not the token does not loop; insufficient_scope renews nothing"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access, peer.challenge = "another", 'Bearer error="insufficient_scope"'
    text = finish(start(peer, folder, 'say("status", api:get("/x").status)'))
    assert "status 401" in text, text
    equal((peer.refreshes, peer.asked), (0, 1))
    peer.challenge, peer.access = None, "access-0-secret"
    rotate = peer.rotate

    def useless():
        pair = rotate()
        peer.access = "nobody has it"
        return pair

    peer.rotate = useless
    peer.access, peer.asked = "nobody has it", 0
    text = finish(start(peer, folder, """
  say("status", api:get("/x").status, state())
  say("status", api:get("/x").status, state())"""))
    equal(text.count("status 401"), 2)
    equal((peer.refreshes, peer.asked), (1, 3))
    assert "closed rejected" in text, text


def invalid_grant_ends_a_session_and_nothing_else_does():
    """only invalid_grant ends a session: a 503 and a refused connection keep the tokens"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access, peer.fault = "another", (503, {"error": "invalid_grant"})
    text = finish(start(peer, folder, 'say("status", api:get("/x").status, state())'))
    assert "status 401 open -" in text, text
    equal(kept(peer, folder)["refresh"], "refresh-0-secret")
    peer.fault = (400, {"error": "invalid_grant"})
    text = finish(start(peer, folder, """
  say("status", api:get("/x").status, state()) say("login", tostring(me:login()), state())"""))
    assert "status 401 closed lost" in text and "login true open -" in text, text


def a_missing_refresh_token_keeps_the_old_one():
    """RFC 6749, 6: a refresh token that is missing in an answer keeps the old one"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.fault, peer.access = (200, {"access": "newer-secret", "expires_in": 60}), "newer-secret"
    text = finish(start(peer, folder, 'say("status", api:get("/x").status)'))
    assert "status 200" in text, text
    equal((kept(peer, folder)["access"], kept(peer, folder)["refresh"]), ("newer-secret", "refresh-0-secret"))


def a_logout_during_a_refresh_is_the_end():
    """a logout during a refresh is the end: what the refresh gives does not log in again"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access, peer.slow = "another", 1
    text = finish(start(peer, folder, """
  local waiting = task.spawn(function() return api:get("/x").status end)
  task.sleep(0.4)
  say("logout", tostring(me:logout()), state())
  say("status", waiting:await())
  task.sleep(1.2)
  say("later", state())"""))
    assert "logout true closed logout" in text and "status 401" in text and "later closed logout" in text, text
    equal((kept(peer, folder)["closed"], "access" in kept(peer, folder)), ("logout", False))


def a_logout_of_another_process_is_seen():
    """a logout of another process is seen at the next 401"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    run = start(peer, folder, """
  say("first", api:get("/x").status)
  for _ = 1, 1000 do task.sleep(0.02) if api:get("/x").status ~= 200 then break end end
  say("then", state())""")
    run.err.wait_for("first 200")
    finish(start(peer, folder, 'me:logout() say("out")', "other"))
    equal(kept(peer, folder)["closed"], "logout")
    peer.access = "another"
    assert "then closed logout" in finish(run)
    equal(peer.refreshes, 0)


def two_hundred_requests_in_three_processes():
    """200 requests in 3 processes of different profiles that meet a 401 at once are one refresh"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access, peer.slow = "another", 0.3
    runs = [start(peer, folder, f"""
  local all, good = {{}}, 0
  for i = 1, {n} do all[i] = function() if api:get("/x").status == 200 then good = good + 1 end end end
  task.all(all)
  say("good", good)""", profile) for profile, n in (("a", 67), ("b", 67), ("c", 66))]
    texts = [finish(run) for run in runs]
    assert all(f"good {n}" in text for text, n in zip(texts, (67, 67, 66))), texts
    equal((peer.refreshes, peer.revoked), (1, False))


def killed_while_it_asks():
    """kill -9 before the server saw the refresh: still logged in; after it: asked for a login once"""
    for seen in (False, True):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        peer.hold.clear()
        peer.access = "another"
        if not seen:
            peer.fault = (503, {})
        run = start(peer, folder, 'say("status", api:get("/x").status)')
        if seen:
            assert peer.came.wait(20)
        else:
            while not peer.refreshes:
                time.sleep(0.01)
        run.process.send_signal(signal.SIGKILL)
        run.end()
        peer.hold.set()
        equal(kept(peer, folder)["refresh_begun"], True)
        peer.fault, peer.refreshes = None, 0
        text = finish(start(peer, folder, """
  say("status", api:get("/x").status, state())
  if me:state().status ~= "open" then me:login() end
  say("then", api:get("/x").status, state())"""))
        equal(peer.refreshes, 1)
        assert ("status 401 closed lost" if seen else "status 200 open") in text, text
        assert "then 200 open" in text, text
        equal(glob.glob(folder + "/sessions/.tidelock*"), [])


def killed_at_any_moment():
    """kill -9 at any moment of a refresh: the file is whole, and the next start is logged in or asks once"""
    peer, folder = Peer(), tempfile.mkdtemp()
    for step in range(12):
        with peer.lock:
            remember(peer, folder)
            access, peer.access, peer.revoked = peer.access, "another", False
        run = start(peer, folder, 'say("begun") say("status", api:get("/x").status)')
        run.err.wait_for("begun")
        time.sleep(step * 0.002)
        run.process.send_signal(signal.SIGKILL)
        run.end()
        assert kept(peer, folder)["refresh"], step
        text = finish(start(peer, folder, """
  local res = api:get("/x")
  if res.status ~= 200 then me:login() res = api:get("/x") end
  say("status", res.status)"""))
        assert "status 200" in text, (step, access, text)


def another_process_that_holds_the_lock_is_waited_for():
    """a lock dies with its process: whoever waited for it goes on with the tokens of the file"""
    import fcntl
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access = "another"
    lock = open(path_of(peer, folder) + ".lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    run = start(peer, folder, 'say("begun") say("status", api:get("/x").status)')
    run.err.wait_for("begun")
    time.sleep(0.5)
    equal(peer.refreshes, 0)
    pair = peer.rotate()
    remember(peer, folder, 100, number=9, access=pair["access"], refresh=pair["refresh"])
    lock.close()
    assert "status 200" in finish(run)
    equal(peer.refreshes, 0)


def a_full_disk():
    """a disk that is full: tokens are used from memory, that is told, and they are written later"""
    def no_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access = "another"
    run = start(peer, folder, """
  say("status", api:get("/x").status)
  for _ = 1, 100 do task.sleep(0.1) if me:state().done then break end end""", before=no_files)
    run.err.wait_for("status 200")
    run.err.wait_for("used from memory")
    equal(kept(peer, folder)["refresh"], "refresh-0-secret")
    resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    run.err.wait_for("are on the disk")
    equal(kept(peer, folder)["refresh"], "refresh-1-secret")
    run.signal(signal.SIGTERM)
    run.end()
    equal((peer.refreshes, peer.revoked), (1, False))


def a_clock_that_steps():
    """tokens of the future: their age is not known, so they are renewed before they are used"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder, -5000, life=3600)
    text = finish(start(peer, folder, 'say("status", api:get("/x").status)'))
    assert "status 200" in text, text
    equal((peer.refreshes, peer.unauthorized), (1, 0))


def files_that_are_none():
    """a file that is cut, or another thing, is told and replaced by a login"""
    for text in ("", "{", "[]", '{"format":1}', '{"format":2,"number":1}', "\0" * 100, '{"format":1,"number":"x"}'):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        with open(path_of(peer, folder), "w") as out:
            out.write(text)
        said = finish(start(peer, folder, """
  task.sleep(0.1)
  say("state", state()) say("login", tostring(me:login())) say("status", api:get("/x").status)"""))
        assert "state closed -" in said and "login true" in said and "status 200" in said, (text, said)
        equal(kept(peer, folder)["access"], "access-1-secret")


def tokens_are_nowhere_else():
    """tokens are in no log, no error and no other file"""
    peer, folder = Peer(), tempfile.mkdtemp()
    remember(peer, folder)
    peer.access = "another"
    text = finish(start(peer, folder, """
  say("status", api:get("/x").status)
  say(tostring(me), tostring(me.core)) for k, v in pairs(me:state()) do say(k, tostring(v)) end
  local _, err = api:get("http://127.0.0.1:1/x", { retries = 0 }) say(tostring(err))
  me:logout()
  local _, why = me:token() say(tostring(why))""", extra=("--log", "debug")))
    assert "status 200" in text and "-secret" not in text, text
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                assert b"-secret" not in file.read(), name


def nothing_on_the_disk():
    """--memory keeps nothing, and so does remember = false"""
    peer = Peer()
    run = Run(SCRIPT % (peer.url, 'say(tostring(me:login())) say("status", api:get("/x").status)'))
    assert "status 200" in finish(run)
    folder = tempfile.mkdtemp()
    run = Run((SCRIPT % (peer.url, 'say(tostring(me:login())) say("status", api:get("/x").status)'))
              .replace('("me", {', '("me", { remember = false,'), args=("--data", folder))
    assert "status 200" in finish(run)
    equal(os.path.exists(folder + "/sessions"), False)


def an_end_waits_for_a_refresh():
    """the end of the process waits for a refresh under way, for 2 s at most"""
    for slow, number in ((1, 1), (20, 0)):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        peer.access, peer.slow = "another", slow
        run = start(peer, folder, """
  task.spawn(function() api:get("/x") end)
  task.sleep(0.3)
  say("ends")""")
        run.err.wait_for("ends")
        began = time.monotonic()
        run.end()
        assert time.monotonic() - began < 3.5
        equal(kept(peer, folder)["refresh"], f"refresh-{number}-secret")


def no_reload_cuts_a_refresh():
    """no reload cuts a refresh, not even one that outlasts the grace or raises the version"""
    for version in ("", "script.version(2, function() end)"):
        peer, folder = Peer(), tempfile.mkdtemp()
        remember(peer, folder)
        peer.access, peer.slow = "another", 2
        text = "script.grace(1)\n" + SCRIPT % (peer.url, 'say("begun") say("status", api:get("/x").status)')
        text = text.replace("script.exit(0)", "")
        run = Run(text, args=("--data", folder), watch=True)
        assert peer.came.wait(20) or peer.refreshes
        run.write("s1", version + SCRIPT % (peer.url, 'say("again", api:get("/x").status)'))
        run.err.wait_for("again 200")
        equal((peer.refreshes, peer.revoked), (1, False))
        run.kill()


LIVE = """
local http, server, session = require "tidelock.http", require "tidelock.server", require "tidelock.session"
local socket = require "tidelock.socket"
local good, count, asked, never = %(good)r, 0, {}, false
local srv = server.listen("api", { port = %(port)d })
local function rotate()
  count = count + 1
  good = "live-" .. count
  return { access = good, refresh = "r" .. count, expires_in = 3600 }
end
srv:post("/login", rotate)
srv:post("/refresh", rotate)
srv:io():use(function(sock)
  asked[#asked + 1] = sock.handshake.auth.token or "none"
  if never or sock.handshake.auth.token ~= good then return nil, "not authorized" end
end)
local url = "http://127.0.0.1:%(port)d"
local api = http.client { base_url = url, value = true }
local me = session.define("me", {
  origins = { url }, share = "use",
  login = function() return api:post("/login") end,
  refresh = function() return api:post("/refresh") end,
})
local chat = socket.connect("chat", { url = url, auth = me:auth(), auto_connect = false })
local function say(...) io.stderr:write(table.concat({ ... }, " "), ".\\n") end
chat:on_state(function(state, info) say("state", state, info.reason or "-") end)
local function until_state(state)
  for _ = 1, 500 do if chat.state == state then return state end task.sleep(0.01) end
  return "still " .. chat.state
end
script.on_start(function()
  %(body)s
  script.exit(0)
end)
"""


def live(good, body, folder, port, other=()):
    return Run(LIVE % {"good": good, "port": port, "body": body}, *other, args=("--data", folder))


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Tokens:
    """What `remember` needs of a server."""

    def __init__(self):
        self.port, self.access, self.refresh = free_port(), "access-0-secret", "refresh-0-secret"


def a_refused_namespace_renews_once():
    """a namespace that is refused for its token is asked again with another, once"""
    tokens, folder = Tokens(), tempfile.mkdtemp()
    remember(tokens, folder)
    text = finish(live("another", """
  chat:connect()
  say(until_state "connected") say("asked", table.concat(asked, " "))""", folder, tokens.port))
    assert "connected.\nasked access-0-secret live-1." in text, text
    tokens, folder = Tokens(), tempfile.mkdtemp()
    remember(tokens, folder)
    text = finish(live("another", """
  never = true
  chat:connect()
  say(until_state "closed")
  for _ = 1, 100 do if me:state().status == "closed" then break end task.sleep(0.01) end -- it looks into its file
  say("asked", #asked, me:state().reason)""", folder, tokens.port))
    assert "asked 2 rejected." in text, text


def an_ended_session_closes_the_connection():
    """an ended session closes the connection with the reason session, and a login connects it again"""
    folder = tempfile.mkdtemp()
    text = finish(live("another", """
  chat:connect()
  say("first", until_state "closed")
  me:login()
  say("second", until_state "connected")
  me:logout()
  say("third", until_state "closed")
  me:login()
  say("fourth", until_state "connected")
  chat:disconnect()
  me:logout() me:login() task.sleep(0.1)
  say("fifth", chat.state)""", folder, free_port()))
    for part in ("first closed", "second connected", "third closed", "fourth connected", "fifth closed"):
        assert part in text, text
    equal((text.count("state closed session"), text.count("state connected")), (2, 2))


def other_scripts_use_it_unseen():
    """a script that attached sends the token, to the session's origins alone, and cannot see it"""
    folder, port = tempfile.mkdtemp(), free_port()
    text = finish(live("another", """
  srv:get("/x", function(req) return { fine = req.headers.authorization == "Bearer " .. good } end)
  me:login()
  task.sleep(1.5)""", folder, port, (f"""
local http, session = require "tidelock.http", require "tidelock.session"
local me = session.attach "s1:me"
local api = http.client {{ base_url = "http://127.0.0.1:{port}", session = me, retries = 0 }}
script.on_start(function()
  for _ = 1, 100 do
    local res = api:get("/x")
    if res and res.status == 200 and res:json().fine then io.stderr:write("it is fine.\\n") break end
    task.sleep(0.01)
  end
  for name, value in pairs {{ proxy = "http://127.0.0.1:1", insecure = true, ciphers = "NULL" }} do
    local res, err = api:get("/x", {{ [name] = value }})
    io.stderr:write("way ", tostring(res or err.code), ".\\n")
  end
  for _, name in ipairs {{ "token", "login", "logout" }} do
    io.stderr:write(tostring(select(2, pcall(me[name], me))), ".\\n")
  end
  local core = require "tidelock.session.core"
  for name, fn in pairs(core) do
    local _, a, b = pcall(fn, me.core)
    io.stderr:write("core ", name, " ", tostring(a), " ", tostring(b), ".\\n")
  end
end)""",)))
    assert "it is fine" in text and text.count("is for the script that defines the session") >= 3, text
    assert "live-" not in text and text.count("way DENIED") == 3, text


run_cases([value for value in list(globals().values())
           if callable(value) and getattr(value, "__module__", "") == "__main__"
           and getattr(value, "__doc__", None) and value.__name__ != "Tokens"])
