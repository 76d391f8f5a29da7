"""Which file of runtime/ knows which other: read from the text, so that it works on any tree, built
or not. A unit is NAME.c with its NAME.h, written folder/NAME. An arrow from one unit to another is an
include, or the use of a function or variable that the other defines, whichever header declares it:
in a .c file, in a header, in a macro, in a table."""
import collections
import glob
import os
import re

Function = collections.namedtuple("Function", "name unit file line lines static rows")
Macro = collections.namedtuple("Macro", "arguments body")

NO_CODE = (".sh", ".md", ".txt", ".py", ".lua", ".o")
SPACE = r"(?:[ \t]|\\\n)*"
TOKEN = re.compile(r"(->|\.)?\s*\b([A-Za-z_]\w*)")
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.S)
# Names that a linker looks up stand in texts: dlsym(object, "name"), asm("name"), alias("name").
LOOKED_UP = re.compile(r'\b((?:dlsym|uv_dlsym|alias|weakref|asm|__asm__)\s*\([^()"]*)"(\w+)"')
MEMBERS = re.compile(r"\b(?:struct|union)\s*\w*\s*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}")
TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")
# A name that a continued line cuts in two.
SPLICE = re.compile(r"(?<=\w)\\\n(\w+)")
INCLUDE = re.compile(rf'^{SPACE}#{SPACE}(?:include|include_next|import)\b{SPACE}("[^"\n]+"|<[^>\n]+>|\w+)', re.M)
DEFINE = re.compile(rf"^{SPACE}#{SPACE}define{SPACE}([A-Za-z_]\w*)(\([^)]*\))?((?:[^\n\\]|\\\n|\\.)*)", re.M)
DIRECTIVE = re.compile(rf"^{SPACE}#(?:[^\n]*\\\n)*[^\n]*", re.M)
ROW = re.compile(r" *(case |default:|\{|assert|expect_|CHECK)")


def blank(match):
    """What stands there is no code: its lines stay."""
    return " " + "\n" * match.group().count("\n")


def uncommented(raw):
    return COMMENT.sub(lambda match: match.group(1) or blank(match), raw)


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
            returned = re.search(r"\(\s*\*+\s*([A-Za-z_]\w*)\s*\(", head[:i])  # a pointer to a function
            return (found or returned) and (found or returned).group(1)
    return None


def family_types(file, target):
    """The files of a family include its types, NAME_parts.h, or those of the folder, parts.h; its door,
    NAME.h, may not where those include it."""
    if not target.endswith("parts"):
        return False
    family = target[:-len("parts")]
    return file.unit.startswith(family) or file.path == f"runtime/{family.rstrip('_')}.c"


def own_door(file, header):
    """A .c file includes the header of its folder that declares what it defines: that is no use of
    it. With a header of its own, it may use nothing else that stands in that other."""
    if header is None or not file.path.endswith(".c") or folder_of(header.unit) != folder_of(file.unit):
        return False
    if not file.defined() & header.declared.keys():
        return False
    return not os.path.exists(file.path[:-1] + "h") or not file.tokens.keys() & (header.statics | header.macros.keys())


class File:
    def __init__(self, path):
        self.path, self.unit = path, unit_of(path)
        with open(path, encoding="utf-8", errors="replace") as opened:
            raw = SPLICE.sub(r"\1\\\n", opened.read())
        self.raw_lines = raw.splitlines()
        plain = uncommented(raw)
        self.includes = [(m.group(1), plain.count("\n", 0, m.start(1)) + 1) for m in INCLUDE.finditer(plain)]
        self.macros = {m.group(1): Macro(m.group(2), m.group(3)) for m in DEFINE.finditer(plain)}
        self.text = TEXT.sub(" ", LOOKED_UP.sub(r"\1 \2 ", plain))
        self.tokens = collections.Counter()
        self.first = {}  # name → the line where it stands first
        self.take_tokens(MEMBERS.sub(blank, self.text))
        self.code = ATTRIBUTE.sub(blank, DIRECTIVE.sub(blank, self.text))
        self.functions, self.declared, self.tables, self.statics = [], collections.Counter(), set(), set()
        self.structure(self.code)

    def take_tokens(self, text, line=None):
        at, number = 0, 1
        for match in TOKEN.finditer(text):
            number += text.count("\n", at, match.start(2))
            at = match.start(2)
            if not match.group(1):
                self.tokens[match.group(2)] += 1
                self.first.setdefault(match.group(2), line or number)

    def structure(self, code, line=1):
        depth, start, head, opened = 0, 0, "", 0
        for i, char in enumerate(code):
            if char == "\n":
                line += 1
            elif char == "{":
                if depth == 0:
                    head, opened = code[start:i].strip(), line
                depth += 1
            elif char == "}":
                depth -= 1
                if depth == 0 and head.endswith(")") and "=" not in head:
                    self.define(head, opened, line)
                    start = i + 1
            elif char == ";" and depth == 0:
                self.declare(code[start:i].strip())
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

    def declare(self, text):
        """A declaration at the margin: a function's, or a variable's, which this may be the home of."""
        head = re.sub(r"\{.*\}", " ", text, flags=re.S).split("=")[0].strip()
        if re.match(r"(typedef|_Static_assert)\b", head):
            return
        if head.endswith(")") and not re.search(r"\(\s*\*", head):
            self.declared[name_before(head)] += 1
            return
        found = re.search(r"\(\s*\*\s*(?:const\s+)?([A-Za-z_]\w*)", head) \
            or re.search(r"[\w*\s]\s*\b([A-Za-z_]\w*)\s*(\[[^\]]*\]\s*)*$", head)
        if not found or re.fullmatch(r"(struct|enum|union)\s+\w+", head):
            return
        if re.match(r"extern\b", head) and "=" not in text:
            self.declared[found.group(1)] += 1
        elif re.search(r"\bstatic\b", head) or self.path.endswith(".h"):
            self.statics.add(found.group(1))
        else:
            self.tables.add(found.group(1))

    def defined(self):
        """What others can use, if it is declared to them."""
        return {f.name for f in self.functions if not f.static} | self.tables

    def only_declares(self, name, home):
        """A header is the door of what another file of its folder defines."""
        return self.path.endswith(".h") and folder_of(home) == folder_of(self.unit) \
            and self.tokens[name] == self.declared[name]


def filled(macro, values):
    """The body of a macro with these arguments, names that it pastes together made one."""
    names = [name.strip() for name in macro.arguments.strip("()").split(",")]
    given = dict(zip(names, values))
    body = re.sub(r"[A-Za-z_]\w*", lambda m: given.get(m.group(), m.group()), macro.body.replace("\\\n", " "))
    return re.sub(r"\s*##\s*", "", body)


class Tree:
    """All of runtime/, from the folder that one is in."""

    def __init__(self):
        paths = [path for path in glob.glob("runtime/**/*.*", recursive=True) if os.path.isfile(path) and not path.endswith(NO_CODE)]
        self.files = [File(path) for path in sorted(paths)]
        self.by_path = {file.path: file for file in self.files}
        self.expand_macros()
        self.units = sorted({file.unit for file in self.files})
        self.functions = [f for file in self.files for f in file.functions]
        self.arrows = {}  # (from, to) → {"include": [place], "call": {name: place}}
        self.find_includes()
        self.find_calls()

    def expand_macros(self):
        """What macros make by pasting names, and what they define, where they are used."""
        macros = {name: macro for file in self.files for name, macro in file.macros.items()}
        making = {name: macro for name, macro in macros.items()
                  if macro.arguments and ("##" in macro.body or re.search(r"\)\s*\{", macro.body))}
        if not making:
            return
        while True:  # those that hand their arguments on to one of these
            known = re.compile(r"\b(" + "|".join(making) + r")\b")
            more = {n: m for n, m in macros.items() if n not in making and m.arguments and known.search(m.body)}
            if not more:
                break
            making.update(more)
        use = re.compile(r"\b(" + "|".join(making) + r")\s*\(([^()]*)\)")

        def expand(file, text, line, depth):
            for match in use.finditer(text):
                values = [value.strip() for value in match.group(2).split(",")]
                values = [macros[v].body.strip() if v in macros and not macros[v].arguments else v for v in values]
                made = filled(making[match.group(1)], values)
                at = line or text.count("\n", 0, match.start()) + 1
                file.take_tokens(TEXT.sub(" ", made), at)
                file.structure(made + ";", at)
                if depth:
                    expand(file, made, at, depth - 1)

        for file in self.files:
            expand(file, file.code, None, 5)

    def arrow(self, source, target):
        return self.arrows.setdefault((source, target), {"include": [], "call": {}})

    def included(self, file, name):
        """The path, from runtime/, of an included file of ours; None: a library's."""
        if name[0] not in '"<':  # #include MACRO
            bodies = [f.macros[name].body.strip() for f in self.files if name in f.macros]
            return self.included(file, bodies[0]) if bodies and bodies[0][:1] in ('"', "<") else None
        path = os.path.normpath(name.strip('"<>'))
        beside = os.path.normpath(os.path.join(os.path.dirname(file.path), name.strip('"<>')))
        if name[0] == '"' and beside in self.by_path:  # the compiler looks there first
            return beside[len("runtime/"):]
        known = "runtime/" + path in self.by_path or name[0] == '"' and "/" in path and path[0] != "."
        return path if known else None

    def find_includes(self):
        for file in self.files:
            for name, line in file.includes:
                path = self.included(file, name)
                target = path and os.path.splitext(path)[0]
                if target and target != file.unit and not family_types(file, target) \
                        and not own_door(file, self.by_path.get("runtime/" + path)):
                    self.arrow(file.unit, target)["include"].append(f"{file.path}:{line}")

    def homes(self):
        """name → the units that define it."""
        homes = {}
        sources = [file for file in self.files if file.path.endswith(".c")]
        for file in sources:
            for f in file.functions:
                if not f.static:
                    homes.setdefault(f.name, set()).add(file.unit)
        functions = set(homes)
        for file in sources:
            for name in file.tables - functions:  # a function may be declared by a typedef
                homes.setdefault(name, set()).add(file.unit)
        homes.pop("main", None)
        return homes

    def find_calls(self):
        homes = self.homes()
        for file in self.files:
            for name in file.tokens.keys() & homes.keys() - file.statics:
                for home in homes[name] if file.unit not in homes[name] else ():
                    if not file.only_declares(name, home):
                        self.arrow(file.unit, home)["call"].setdefault(name, f"{file.path}:{file.first[name]}")

    def places(self, arrow):
        """[(place, what happens there)]: the includes, then the uses."""
        found = self.arrows[arrow]
        uses = sorted(((place, name) for name, place in found["call"].items()),
                      key=lambda use: (use[0].split(":")[0], int(use[0].split(":")[1]), use[1]))
        return [(place, "includes it") for place in found["include"]] + [(p, f"uses {n}") for p, n in uses]

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
