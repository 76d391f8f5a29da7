"""Kills a process that writes its stores heavily, again and again, and looks at what the next one
finds: it must be a state that was, to the letter, and lack at most what was changed within the last
persist_delay. KILLS= says how often, SEED= when."""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 30)
DELAY = 0.02
SLACK = 1.0  # for the disk and a busy machine, between the end of the delay and the write's end
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


def start(data):
    command = [os.environ["TIDELOCK"], "run", os.path.join(HERE, "store_kill_writer.lua"),
               "--data", data, "--no-watch", "--plain", "--", str(DELAY)]
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


def compare(found, model, least, most):
    """A list of what is wrong with what was found."""
    a, b = found["list"], found["map"]
    for name, n in (("list", a["n"]), ("map", b["n"])):
        expect(n <= most[name], "nothing is found that was not changed", name, n, most)
        expect(n >= least[name], "what is older than persist_delay is there", name, n, least)
    expect(a["n"] == a["twin"], "two counters of one change are equal", a["n"], a["twin"])
    expect(a.get("scratch") == 0, "what is not kept is as at the beginning", a.get("scratch"))
    model.list_to(a["n"])
    model.map_to(b["n"])
    expect(a["items"] == model.items, "the list is as it was after change %d" % a["n"], a["items"], model.items)
    expect(a["batch"] == model.batch, "the batch is as it was after change %d" % a["n"], a["batch"], model.batch)
    expect(b["by_key"] == model.by_key, "the map is as it was after change %d" % b["n"], b["by_key"], model.by_key)


def main():
    roll = random.Random(SEED)
    work = tempfile.mkdtemp()
    data, copy = os.path.join(work, "data"), os.path.join(work, "copy")
    model, behind, changes = Model(), 0.0, 0
    least = most = {"list": 0, "map": 0}
    process = None
    try:
        for kill in range(KILLS + 1):
            process, found = start(data)
            compare(found, model, least, most)
            if kill:
                lost = [at for n, _, at in log if n > found["list"]["n"]]
                behind = max(behind, died - lost[0] if lost else 0)
            if kill == KILLS:
                break
            log = []  # list's n, map's n, when
            for line in process.stdout:
                word, a, b, at = line.split()
                log.append((int(a), int(b), float(at)))
                if len(log) == 1:
                    until = log[0][2] + (SLACK + 0.3 if kill % 20 == 9 else roll.choice(TIMES) * roll.random())
                if log[-1][2] >= until:
                    break
            died = time.monotonic()
            process.kill()
            for line in process.stdout.read().splitlines():
                if line.startswith("CHANGED ") and line.count(" ") == 3:
                    _, a, b, at = line.split()
                    log.append((int(a), int(b), float(at)))
            process.wait()
            changes += len(log)
            old = [entry for entry in log if entry[2] < died - DELAY - SLACK]
            least = {"list": old[-1][0] if old else found["list"]["n"], "map": old[-1][1] if old else found["map"]["n"]}
            most = {"list": log[-1][0] + 1, "map": log[-1][1] + 1}  # the one after may have gone unsaid
            said = integrity(data, copy)
            expect(said == [("ok",)], "PRAGMA integrity_check", said)
    finally:
        if process:
            process.kill()
            process.wait()
        shutil.rmtree(work, ignore_errors=True)
    print("# %d kills, %d changes; at most the last %.0f ms were lost; SEED=%d" % (KILLS, changes, behind * 1000, SEED))
    expect(changes > KILLS, "changes were made", changes)
    print("ok kill -9 in a loop: whole, of one change, and nothing older than the delay is lost")


main()
