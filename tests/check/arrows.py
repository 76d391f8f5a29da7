"""Which file of runtime/ knows which other: read from the text, so that it works on any tree, built
or not. A unit is NAME.c with its NAME.h, written folder/NAME. An arrow from one to another is an
include, or the use of a function or table that the other defines, whichever header declares it."""
import collections
import glob
import os
import re

Function = collections.namedtuple("Function", "name unit file line lines static rows")

TOKEN = re.compile(r"(->|\.)?\s*\b([A-Za-z_]\w*)")
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
ROW = re.compile(r" *(case |default:|\{|assert|expect_|CHECK)")


def blank(match):
    """What stands there is no code: its lines stay."""
    return " " + "\n" * match.group().count("\n")


def unit_of(path):
    return os.path.splitext(path)[0].split("runtime/", 1)[1]


def folder_of(unit):
    return unit.split("/")[0]


def name_before(head):
    """The function that a definition's head, which ends with its arguments, is of."""
    depth = 0
    for i in range(len(head) - 1, -1, -1):
        depth += (head[i] == ")") - (head[i] == "(")
        if depth == 0:
            found = re.search(r"([A-Za-z_]\w*)\s*$", head[:i])
            return found and found.group(1)
    return None


def own_door(unit, target, declared):
    """A header that declares what the file itself defines, or holds the types of its family."""
    return declared or target.endswith("parts") and unit.startswith(target[:-len("parts")].rstrip("_"))


class File:
    def __init__(self, path):
        self.path, self.unit = path, unit_of(path)
        raw = open(path, encoding="utf-8").read()
        self.raw_lines = raw.splitlines()
        self.includes = [(m.group(1), raw.count("\n", 0, m.start()) + 1)
                         for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', raw, re.M)]
        text = NOISE.sub(blank, raw)
        self.declared = set(re.findall(r"([A-Za-z_]\w*)\s*\(", text)) if path.endswith(".h") else set()
        self.tokens = {m.group(2) for m in TOKEN.finditer(text) if not m.group(1)}
        # Lines for the preprocessor, those that go on included, are no structure.
        code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)
        self.functions, self.tables, self.statics = [], set(), set()
        self.structure(code)

    def structure(self, code):
        depth, start, line, head, opened = 0, 0, 1, "", 0
        for i, char in enumerate(code):
            if char == "\n":
                line += 1
            elif char == "{":
                if depth == 0:
                    head, opened = code[start:i].strip(), line
                depth += 1
            elif char == "}":
                depth -= 1
                if depth == 0:
                    if head.endswith(")") and "=" not in head:
                        self.define(head, opened, line)
                        start = i + 1
                    elif "=" in head:
                        self.table(head)
            elif char == ";" and depth == 0:
                if "=" in code[start:i] and "{" not in code[start:i]:
                    self.table(code[start:i].strip())
                start = i + 1

    def define(self, head, opened, closed):
        name, static = name_before(head), bool(re.search(r"\bstatic\b", head))
        if not name:
            return
        body = self.raw_lines[opened:closed - 1]
        self.functions.append(Function(name, self.unit, self.path, opened, len(body), static,
                                       sum(bool(ROW.match(row)) for row in body)))
        if static:
            self.statics.add(name)

    def table(self, head):
        found = re.search(r"([A-Za-z_]\w*)\s*(\[[^\]]*\]\s*)*$", head.split("=")[0])
        if found:
            (self.statics if re.search(r"\bstatic\b", head) else self.tables).add(found.group(1))


class Tree:
    """All of runtime/, from the folder that one is in."""

    def __init__(self):
        self.files = [File(path) for path in sorted(glob.glob("runtime/*/*.[ch]"))]
        self.units = sorted({file.unit for file in self.files})
        self.functions = [f for file in self.files if file.path.endswith(".c") for f in file.functions]
        self.arrows = {}  # (from, to) → {"include": [place], "call": {name}}
        self.find_includes()
        self.find_calls()

    def arrow(self, source, target):
        return self.arrows.setdefault((source, target), {"include": [], "call": set()})

    def find_includes(self):
        known = set(self.units)
        declared = {file.unit: file.declared for file in self.files if file.path.endswith(".h")}
        for file in self.files:
            own = {f.name for f in file.functions if not f.static} if file.path.endswith(".c") else set()
            for name, line in file.includes:
                target = os.path.splitext(name)[0]
                if target in known and target != file.unit and not own_door(file.unit, target, own & declared[target]):
                    self.arrow(file.unit, target)["include"].append(f"{file.path}:{line}")

    def find_calls(self):
        homes = {}
        for file in self.files:
            if file.path.endswith(".c"):
                for name in {f.name for f in file.functions if not f.static} | file.tables:
                    homes.setdefault(name, set()).add(file.unit)
        homes.pop("main", None)
        for file in self.files:
            for name in file.tokens & homes.keys() - file.statics:
                if file.unit not in homes[name] and file.path.endswith(".c"):
                    for home in homes[name]:
                        self.arrow(file.unit, home)["call"].add(name)

    def circles(self, without=()):
        """Files that reach one another, of two at least; the arrows in `without` left out."""
        after = {unit: [] for unit in self.units}
        for source, target in self.arrows:
            if (source, target) not in without:
                after[source].append(target)
        return [sorted(group) for group in components(after) if len(group) > 1]


def components(after):
    """Tarjan's, without recursion."""
    index, low, stack, on, found = {}, {}, [], set(), []
    for root in after:
        if root in index:
            continue
        work = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        stack.append(root), on.add(root)
        while work:
            node, rest = work[-1]
            for child in rest:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child), on.add(child)
                    work.append((child, iter(after[child])))
                    break
                if child in on:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = []
                    while not group or group[-1] != node:
                        group.append(stack.pop())
                        on.discard(group[-1])
                    found.append(group)
    return found


def turned(group, arrows):
    """Few arrows of a circle whose going opens it: those that run up, in the order of Eades, Lin
    and Smyth, which puts what is used at the end; then none that is not needed."""
    inside = {(a, b) for a, b in arrows if a in group and b in group}
    left, head, tail = set(group), [], []
    out = {n: {b for a, b in inside if a == n} for n in group}
    into = {n: {a for a, b in inside if b == n} for n in group}
    while left:
        sinks = sorted(n for n in left if not out[n] & left)
        sources = sorted(n for n in left if not into[n] & left)
        if sinks:
            tail.insert(0, sinks[0]), left.discard(sinks[0])
        elif sources:
            head.append(sources[0]), left.discard(sources[0])
        else:
            best = max(sorted(left), key=lambda n: len(out[n] & left) - len(into[n] & left))
            head.append(best), left.discard(best)
    place = {n: i for i, n in enumerate(head + tail)}
    up = sorted((a, b) for a, b in inside if place[a] > place[b])
    for arrow in list(up):
        kept = inside - (set(up) - {arrow})
        after = {n: [b for a, b in kept if a == n] for n in group}
        if all(len(c) == 1 for c in components(after)):
            up.remove(arrow)
    return up
