"""What a change writes: rows, never the whole state, however large it is (zustand's persist writes
all there is at each set)."""
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

SCRIPT = """
local input, json = require "tidelock.input", require "tidelock.json"
local store, script = require "tidelock.store", require "tidelock.script"
local s = store.define("s", {
  initial = { messages = json.array {}, n = 0 }, persist = { "messages", "n" }, persist_delay = 0.001,
})
local edits = {
  field = function(d) d.n = d.n + 1 end,
  append = function(d) table.insert(d.messages, { id = "new", text = ("y"):rep(200) }) end,
  middle = function(d) table.insert(d.messages, #d.messages // 2, { id = "new", text = ("y"):rep(200) }) end,
  edit = function(d) d.messages[#d.messages // 3].text = "edited" end,
  remove = function(d) table.remove(d.messages, #d.messages // 4) end,
}
script.on_start(function()
  s:change(function(d)
    for i = 1, tonumber(script.args[1]) do d.messages[i] = { id = "m" .. i, text = ("x"):rep(200) } end
  end)
  print "ready"
end)
input.on_line(function(line)
  s:change(edits[line])
  s:change(function(d) d.n = d.n + 1 end)
  print(s:get "n")
end)
"""
bad = 0


def say(what, name, *seen):
    global bad
    print("%sok %s" % ("" if what else "not ", name), *(() if what else seen))
    bad = bad or not what


def written(pid):
    with open("/proc/%d/io" % pid) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("wchar"))


def stored_n(path):
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as sql:
        row = sql.execute("SELECT json FROM row WHERE CAST(place AS TEXT) = 'n'").fetchone()
        return int(row[0]) if row else -1


def await_n(path, n):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if stored_n(path) == n:
                return
        except sqlite3.OperationalError:  # not made yet
            pass
        time.sleep(0.001)
    sys.exit("not ok it is on disk within 20 seconds")


def per_change(count, work):
    """Bytes by kind of edit; each is on disk before the next begins."""
    data = os.path.join(work, str(count))
    script = os.path.join(work, "s.lua")
    with open(script, "w") as file:
        file.write(SCRIPT)
    process = subprocess.Popen([os.environ["TIDELOCK"], "run", script, "--data", data, "--no-watch", "--plain",
                                "--", str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    path = os.path.join(data, "default", "state.db")
    found = {}

    def change(edit):
        process.stdin.write(edit + "\n")
        process.stdin.flush()
        await_n(path, int(process.stdout.readline()))

    try:
        assert process.stdout.readline() == "ready\n"
        await_n(path, 0)
        for _ in range(5):  # the first write, and moving it from the log into the file, is over then
            change("field")
        for edit in ("field", "append", "middle", "edit", "remove"):
            before = written(process.pid)
            for _ in range(10):
                change(edit)
            found[edit] = (written(process.pid) - before) / 10
    finally:
        process.kill()
        process.wait()
    return found


with tempfile.TemporaryDirectory() as folder:
    small, large = per_change(100, folder), per_change(20000, folder)
for name in large:
    # a page of the tree, one of the field's, and of what lies above them; a blob would be 4.7 MB
    say(large[name] < 40000, "%s: writes rows, not all there is" % name, large[name])
    say(large[name] < 3 * small[name] + 8192, "%s: no more with 20,000 than with 100" % name, small[name], large[name])
print("# bytes a change, of 100: %s; of 20,000: %s" % (small, large))
sys.exit(bad)
