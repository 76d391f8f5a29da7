"""Kills a process with an outbox at each step of a send, and looks at what the next one does. The server here
notes each request: its key, its body."""
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

TIDELOCK = os.environ["TIDELOCK"]
failures = 0
asked, mode = [], {"how": "answer"}
came = threading.Condition()

SCRIPT = r"""
local env = require "tidelock.env"
local http = require "tidelock.http"
local outbox = require "tidelock.outbox"
local script = require "tidelock.script"
local timer = require "tidelock.timer"
local json = require "tidelock.json"
local store = require "tidelock.store"
local version = 1
local chat = store.define("chat", { initial = { said = json.object {} }, persist = { "said" } })
local function send(args)
  return http.post(env.get "URL" .. "/m", { json = { text = args.text, version = version }, timeout = 20 })
end
local by_key = outbox.define("by_key", { repeats = "key", send = send })
local never = outbox.define("never", { repeats = "never", send = send, lane = function() return "n" end })
local shows = outbox.define("shows", { repeats = "safe", send = send, on = function() return chat end,
  apply = function(draft, args, entry) draft.said[entry.id] = args.text .. "?" end,
  settle = function(draft, args, _, entry) draft.said[entry.id] = args.text .. "!" end })
script.on_start(function()
  for text in (env.get("ENTER") or ""):gmatch "%S+" do
    local m = text:find "^n" and never or text:find "^s" and shows or by_key
    local entry, err = m { text = text }
    print("entered " .. text .. " " .. (entry and entry.id or err.code))
  end
  print "entered all"
end)
timer.every(0.05, function()
  local list = {}
  for _, one in ipairs(outbox.list()) do
    list[#list + 1] = one.state .. ":" .. one.id .. ":" .. (one.reason and one.reason.code or "")
  end
  local said = {}
  for _, text in pairs(chat:get "said") do said[#said + 1] = text end
  table.sort(said)
  print("shown " .. table.concat(said, " ") .. ".")
  print("waits " .. #list .. " " .. table.concat(list, " "))
  if #list == 0 and env.get "UNTIL_DONE" then script.exit(0) end
end)
"""


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with came:
            asked.append((self.headers["Idempotency-Key"], body))
            came.notify_all()
        how = mode["how"]
        if how == "hang":
            time.sleep(30)
            return
        self.send_response(200 if how == "answer" else 503)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def expect(name, good, *seen):
    global failures
    print("ok" if good else "not ok", name)
    if not good:
        failures += 1
        for line in seen:
            print("#", line)


class Run:
    def __init__(self, folder, url, enter="", until_done=False, extra=()):
        env = dict(os.environ, URL=url, ENTER=enter)
        if until_done:
            env["UNTIL_DONE"] = "1"
        self.process = subprocess.Popen(
            [TIDELOCK, "run", "--data", folder + "/data", *extra, folder + "/bot.lua"],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []

    def seen(self, pattern, seconds=60):
        due = time.monotonic() + seconds
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            found = re.search(pattern, line)
            if found:
                return found
            if time.monotonic() > due:
                break
        expect("seen " + pattern, False, *self.lines[-30:])
        return re.search("", "")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.lines += self.process.communicate()[0].splitlines()
        return self.process.returncode


def wait_asked(count):
    with came:
        return came.wait_for(lambda: len(asked) >= count, 30)


def fresh():
    folder = tempfile.mkdtemp()
    with open(folder + "/bot.lua", "w") as f:
        f.write(SCRIPT)
    asked.clear()
    return folder


def killed_before_the_answer(url):
    folder = fresh()
    mode["how"] = "hang"
    run = Run(folder, url, "one two")
    one = run.seen(r"entered one (\S{36})")
    run.seen("entered all")
    wait_asked(1)
    run.kill()
    mode["how"] = "answer"
    again = Run(folder, url, until_done=True)
    expect("a killed send is sent again at the next start", again.end() == 0, *again.lines[-9:])
    expect("the same bytes under the same key", len(asked) == 3 and asked[0] == asked[1]
           and asked[0][0] == one.group(1), asked)
    expect("and then the next one, once", "two" in asked[2][1], asked)
    shutil.rmtree(folder)


def killed_while_nobody_answers():
    folder = fresh()
    run = Run(folder, "http://127.0.0.1:9", "one two three")
    run.seen("entered all")
    run.seen(r"waits 3 waiting")
    run.kill()
    run = Run(folder, "http://127.0.0.1:9")
    found = run.seen(r"waits (\d) (.*)")
    expect("what was accepted is there after a kill", found.group(1) == "3", found.group(0))
    expect("and was never sent", "unknown" not in found.group(2), found.group(2))
    run.kill()
    shutil.rmtree(folder)


def never_twice(url):
    folder = fresh()
    mode["how"] = "hang"
    run = Run(folder, url, "n1 n2 k1")
    run.seen("entered all")
    wait_asked(2)
    run.kill()
    mode["how"] = "answer"
    run = Run(folder, url)
    found = run.seen(r"waits 2 (held:\S+:UNKNOWN held:\S+:BEHIND)")
    count = sum("n1" in body for _, body in asked)
    expect("what may not be sent twice is held after a kill", found.group(0) and count == 1, asked)
    run.kill()
    shutil.rmtree(folder)


def many_kills(url):
    """Killed at any moment: each accepted entry arrives, in order, under one key with one body."""
    folder = fresh()
    mode["how"] = "answer"
    accepted = []
    for i in range(12):
        run = Run(folder, url, " ".join("k%d.%d" % (i, n) for n in range(40)))
        threading.Timer(0.05 + 0.03 * i, run.process.kill).start()
        for line in run.process.stdout:
            found = re.match(r"entered (\S+) (\S{36})$", line)
            if found:
                accepted.append(found.groups())
        run.process.wait()
    run = Run(folder, url, until_done=True)
    expect("all is done in the end", run.end() == 0, *run.lines[-9:])
    bodies, order = {}, []
    for key, body in asked:
        if key not in bodies:
            order.append(key)
        bodies.setdefault(key, set()).add(body)
    missing = [a for a in accepted if a[1] not in bodies]
    expect("no accepted entry is lost (%d accepted)" % len(accepted), accepted and not missing, missing)
    expect("one key, one body", all(len(b) == 1 for b in bodies.values()))
    places = [order.index(key) for _, key in accepted if key in bodies]
    expect("first sends are in order", places == sorted(places), places)
    shutil.rmtree(folder)


def reload_in_the_middle(url):
    folder = fresh()
    mode["how"] = "hang"
    run = Run(folder, url, "one")
    run.seen("entered all")
    wait_asked(1)
    with open(folder + "/bot.lua", "w") as f:
        f.write(SCRIPT.replace("local version = 1", "local version = 2"))
    run.seen("reloaded")
    time.sleep(1)
    expect("a reload in the middle of a send does not repeat it", len(asked) == 1, asked)
    run.kill()
    shutil.rmtree(folder)


def without_definition(url):
    folder = fresh()
    run = Run(folder, "http://127.0.0.1:9", "one")
    run.seen("entered all")
    run.kill()
    with open(folder + "/bot.lua", "w") as f:
        f.write(SCRIPT.replace('define("by_key"', 'define("other"'))
    mode["how"] = "answer"
    run = Run(folder, url)
    run.seen("no script defines this mutation")
    found = run.seen(r"waits (\d)")
    expect("what nothing defines waits", found.group(1) == "1" and not asked, asked)
    with open(folder + "/bot.lua", "w") as f:
        f.write(SCRIPT)
    run.seen("waits 0")
    expect("and goes when it is defined again", len(asked) == 1, asked)
    run.kill()
    shutil.rmtree(folder)


def shown_after_a_kill(url):
    """The base alone is kept; what waits is applied again."""
    folder = fresh()
    run = Run(folder, "http://127.0.0.1:9", "s1 s2")
    run.seen("entered all")
    run.seen(r"shown s1\? s2\?\.")
    time.sleep(0.5)
    run.kill()
    mode["how"] = "later"
    run = Run(folder, url)
    run.seen(r"shown s1\? s2\?\.")
    mode["how"] = "answer"
    run.seen(r"shown s1! s2!\.")
    run.seen("waits 0")
    run.kill()
    run = Run(folder, url)
    found = run.seen(r"shown (.*)\.")
    expect("what is settled is kept, once", found.group(1) == "s1! s2!", found.group(0))
    run.kill()
    shutil.rmtree(folder)


def second_process(url):
    folder = fresh()
    run = Run(folder, url, "one")
    run.seen("entered all")
    other = Run(folder, url)
    code = other.end()
    expect("a second process is refused, and told who has it",
           code == 78 and re.search(r"%d" % run.process.pid, "\n".join(other.lines)), code, *other.lines)
    run.kill()
    shutil.rmtree(folder)


def in_memory(url):
    folder = fresh()
    mode["how"] = "answer"
    run = Run(folder, url, "one two", until_done=True, extra=("--memory",))
    code = run.end()
    told = sum("nothing is kept" in line for line in run.lines)
    expect("--memory works, and says once that nothing is kept", code == 0 and told == 1 and len(asked) == 2,
           code, *run.lines)
    shutil.rmtree(folder)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d" % server.server_address[1]
    only = os.environ.get("ONLY", "")
    for case in (killed_before_the_answer, never_twice, many_kills, reload_in_the_middle, without_definition,
                 shown_after_a_kill, second_process, in_memory):
        if only in case.__name__:
            case(url)
    if only in killed_while_nobody_answers.__name__:
        killed_while_nobody_answers()
    sys.exit(1 if failures else 0)


main()
