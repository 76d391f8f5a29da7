"""Kills a process that writes its stores heavily, again and again, and looks at what the next one
finds: it must be a state that was, to the letter, and have all that a flush said is on disk (every
other process flushes), and what was changed more than SLACK before the delay. KILLS= says how often,
SEED= when."""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

KILLS = int(os.environ.get("KILLS", "16"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 30)
DELAY = 0.02
SLACK = 2.0  # two writes, of a machine that is busy with other things
LONG = 10  # this one is killed later than SLACK, so that something is old enough
TIMES = (0.0, 0.01, 0.04, 0.05, 0.1, 0.2, 0.4)  # to be killed within
HERE = os.path.dirname(os.path.abspath(__file__))


def text(n):
    return "x" * (n * 31 % 300)


class Model:
    """What the writer does, change by change."""

    def __init__(self):
        self.list_n = self.map_n = 0
        self.items, self.batch, self.by_key = [], [], {}

    def list_to(self, to):
        for n in range(self.list_n + 1, to + 1):
            items = self.items
            items.insert(n * 7919 % (len(items) + 1), {"id": n, "text": text(n)})
            if n % 3 == 0:
                items[n * 104729 % len(items)]["seen"] = n
            if n % 5 < 2 and len(items) > 200:
                items.pop(n * 15485863 % len(items))
            if n % 40 == 0:
                self.batch = [{"of": n, "text": text(n + i)} for i in range(1, n // 40 % 2 * 100 + 101)]
        self.list_n = max(self.list_n, to)

    def map_to(self, to):
        for n in range(self.map_n + 1, to + 1):
            key = "key %d" % (n * 7919 % 500)
            if n % 4 == 0:
                self.by_key.pop(key, None)
            else:
                self.by_key[key] = {"n": n, "text": text(n)}
        self.map_n = max(self.map_n, to)


def expect(what, name, *seen):
    if not what:
        print("not ok", name, "(SEED=%d)" % SEED)
        for line in seen:
            print("    %.2000s" % (line,))
        sys.exit(1)


def start(data, flush):
    command = [os.environ["TIDELOCK"], "run", os.path.join(HERE, "store_kill_writer.lua"),
               "--data", data, "--no-watch", "--plain", "--", str(DELAY), "flush" if flush else "leave"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True)
    first = process.stdout.readline()
    expect(first.startswith("STATE "), "starts after a kill", first, process.poll() and process.stderr.read())
    return process, json.loads(first[6:])


def integrity(data, where):
    """sqlite's own word, on a copy: the next process finds the file as the killed one left it."""
    shutil.rmtree(where, ignore_errors=True)
    shutil.copytree(os.path.join(data, "default"), where)
    with sqlite3.connect(os.path.join(where, "state.db")) as sql:
        return sql.execute("PRAGMA integrity_check").fetchall()


def compare(found, model, least):
    """Ends the test when what was found is no state that was, or is too old. It may be newer than the last
    printed line: printing never waits, and the kill takes along what is queued."""
    a, b = found["list"], found["map"]
    for name, n in (("list", a["n"]), ("map", b["n"])):
        expect(n >= least[name], "what was flushed, or is old, is there", name, n, least)
    expect(a["n"] == a["twin"], "two counters of one change are equal", a["n"], a["twin"])
    expect(a.get("scratch") == 0, "what is not kept is as at the beginning", a.get("scratch"))
    model.list_to(a["n"])
    model.map_to(b["n"])
    expect(a["items"] == model.items, "the list is as it was after change %d" % a["n"], a["items"], model.items)
    expect(a["batch"] == model.batch, "the batch is as it was after change %d" % a["n"], a["batch"], model.batch)
    expect(b["by_key"] == model.by_key, "the map is as it was after change %d" % b["n"], b["by_key"], model.by_key)


def note(line, log, flushed):
    """A whole line goes where it belongs: (list's n, map's n, when)."""
    parts = line.split()
    if len(parts) == 4 and parts[0] in ("CHANGED", "FLUSHED"):
        (log if parts[0] == "CHANGED" else flushed).append((int(parts[1]), int(parts[2]), float(parts[3])))


def main():
    roll = random.Random(SEED)
    work = tempfile.mkdtemp()
    data, copy = os.path.join(work, "data"), os.path.join(work, "copy")
    model, behind, changes, flushes = Model(), 0.0, 0, 0
    least = {"list": 0, "map": 0}
    process = None
    try:
        for kill in range(KILLS + 1):
            process, found = start(data, kill % 2)
            compare(found, model, least)
            if kill and kill % 2:  # the one before left it to the delay
                lost = [at for n, _, at in log if n > found["list"]["n"]]
                behind = max(behind, died - lost[0] if lost else 0)
            if kill == KILLS:
                break
            log, flushed = [], [(found["list"]["n"], found["map"]["n"])]
            for line in process.stdout:
                note(line, log, flushed)
                if len(log) == 1 and line.startswith("CHANGED"):
                    until = log[0][2] + (SLACK + 0.3 if kill == LONG else roll.choice(TIMES) * roll.random())
                if log and log[-1][2] >= until:
                    break
            died = time.monotonic()
            process.kill()
            for line in process.stdout.read().splitlines():
                note(line, log, flushed)
            process.wait()
            changes += len(log)
            old = [entry for entry in log if entry[2] < died - DELAY - SLACK]
            least = {name: max(flushed[-1][i], old[-1][i] if old else 0) for i, name in enumerate(("list", "map"))}
            flushes += len(flushed) - 1
            said = integrity(data, copy)
            expect(said == [("ok",)], "PRAGMA integrity_check", said)
    finally:
        if process:
            process.kill()
            process.wait()
        shutil.rmtree(work, ignore_errors=True)
    print("# %d kills, %d changes, %d flushes; without, the last %.0f ms were lost at most; SEED=%d"
          % (KILLS, changes, flushes, behind * 1000, SEED))
    expect(changes > KILLS, "changes were made", changes)
    expect(flushes or KILLS < 10, "changes were flushed", flushes)
    print("ok kill -9 in a loop: whole, of one change, and nothing lost that was flushed or is old")


main()
