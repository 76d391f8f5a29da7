"""tests/check/docs.sh: holds the pages to the tree.

In docs/architecture.md each word in backticks is one of these, or the check fails:
  `socket/socket.c`, `docs/api/`   a file or folder, from the root or from runtime/
  `drain()`                        a function defined in C
  `Socket`, `on_poll`, `ERR_TLS`   a type, function, member or constant of the C code
  `make test T=x`                  a goal of the Makefile
  (gdb) break drain                the same, in a fence
  `tidelock.NAME`, `chat:emit(...)`, `a b`   Lua, options, commands: not looked up
A row of a table whose first cell is one C file names functions of that file.

In comments of runtime/ and stdlib/, whether in backticks or not: a file (NAME.c, folder/NAME.h) is there,
`name()` is a function, and a name with an underscore stands somewhere in code.

In all pages: no line has more than 100 columns, tables apart; a relative link leads to a file; the
page begins with what the reader can do after it, and an example."""
import glob
import os
import re
import sys

PAGE = "docs/architecture.md"
PAGES = ["README.md", "CONTRIBUTING.md", "tests/README.md", *sorted(glob.glob("docs/*.md"))]
COLUMNS = 100
# Words of Lua, of options and of placeholders, which are no names in C.
OTHER_WORDS = {"RELOADED", "main.lua", "on_start"}
FILE = re.compile(r"[\w./-]+(\.(c|h|lua|sh|py|md|mk|json|allow|supp)|/)")

STRING = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
C_COMMENT = re.compile(r"(/\*.*?\*/|//[^\n]*)|" + STRING, re.S)
LUA_COMMENT = re.compile(r"(--\[(=*)\[.*?\]\2\]|--[^\n]*)|" + STRING, re.S)
COMMENT_FILE = re.compile(r"(?<![\w/.*<-])(?:[\w-]+/)*[\w-]+\.(?:c|h|lua|py|sh)\b(?![.(\w])")
COMMENT_NAME = re.compile(r"(?<![\w.:/\"'-])([a-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)(\(\))?(?![\w./-]*\.(?:c|h|lua)\b)(?!\w)")
# Files of Lua itself; those of an example; terms that are no names of ours.
LUAS_OWN = re.compile(r"l[a-z]+\.[ch]")
OTHER_FILES = {"x.lua", "x_test.lua", "bot.lua", "dir/bot.lua"}
OTHER_NAMES = {"close_notify", "fn"}
LIBRARY_NAME = re.compile(r"(lua|luaL|uv|curl|sqlite3|lws|__)_|__")

problems = []


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def read_code(root="runtime"):
    files = {}
    for path in glob.glob(f"{root}/**/*.[ch]", recursive=True):
        with open(path, encoding="utf-8") as file:
            files[path] = without_comments(file.read())
    return files


def functions_of(text):
    """Names of the functions that are defined there: at the left margin, with a body."""
    found = re.findall(r"^[A-Za-z][^;{}=]*?\b(\w+)\([^;{}]*\)\s*\{", text, flags=re.M)
    return set(found)


def words_of(text):
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"(?:\\.|[^"\\])*"', '""', text)))


def file_named(name):
    for path in (name, "runtime/" + name):
        if os.path.exists(path):
            return path
    return None


def goals():
    with open("Makefile", encoding="utf-8") as file:
        return set(re.findall(r"^([a-z-]+):", file.read(), flags=re.M))


class Tree:
    def __init__(self):
        code = read_code()
        self.functions = {path: functions_of(text) for path, text in code.items()}
        self.all_functions = set().union(*self.functions.values())
        self.words = set().union(*map(words_of, code.values()))
        self.goals = goals()

    def problem_with(self, name, row_file=None):
        """What is wrong with a word in backticks; None: nothing."""
        if "NAME" in name or name in OTHER_WORDS:
            return None
        if FILE.fullmatch(name):
            return None if file_named(name) else "no such file"
        if re.fullmatch(r"\w+\(\)", name):
            among = self.functions[row_file] if row_file else self.all_functions
            where = f" in {row_file}" if row_file else ""
            return None if name[:-2] in among else f"no such function{where}"
        if name.startswith("make "):
            goal = re.match(r"make ([a-z-]+)\b(?!=)", name)
            return None if not goal or goal[1] in self.goals else "no such goal"
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            return None if name in self.words else "no such name in runtime/"
        return None


def prose_of(path):
    """(line number, line, inside a fence) of a page."""
    fenced = False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line.startswith("```"):
                fenced = not fenced
            yield number, line, fenced


def row_file_of(cells):
    """The C file of the row, if its first cell names just one."""
    match = cells and re.fullmatch(r"`([\w/]+\.c)`", cells[0])
    return match and file_named(match[1])


def check_breakpoints(path, number, line, tree):
    for name in re.findall(r"\(gdb\) break (\w+)", line):
        if name not in tree.all_functions:
            problems.append(f"{path}:{number}: break {name}: no such function")


def check_names(path, tree):
    count = 0
    for number, line, fenced in prose_of(path):
        if fenced:
            check_breakpoints(path, number, line, tree)
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        row_file = row_file_of(cells)
        for place, part in enumerate(cells or [line]):
            for name in re.findall(r"`([^`]+)`", part):
                count += 1
                wrong = tree.problem_with(name, row_file if place == 1 else None)
                if wrong:
                    problems.append(f"{path}:{number}: `{name}`: {wrong}")
    if count < 100:
        problems.append(f"{path}: {count} names were looked for: the check has lost its page")


def check_lines(path):
    for number, line, _ in prose_of(path):
        if len(line) > COLUMNS and not line.startswith("|"):
            problems.append(f"{path}:{number}: {len(line)} columns")


def check_links(path):
    for number, line, fenced in prose_of(path):
        for target in [] if fenced else re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
            if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                problems.append(f"{path}:{number}: no page {target}")


if not os.path.exists("Makefile") or not read_code():
    sys.exit(f"no Makefile, or no C file, in {os.getcwd()}/runtime: run it at the root of the tree")
def comments_of(path):
    """[(line number, text)] of the comments of a C or Lua file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    pattern = LUA_COMMENT if path.endswith(".lua") else C_COMMENT
    return [(text.count("\n", 0, m.start()) + 1, m.group(1)) for m in pattern.finditer(text) if m.group(1)]


def code_names(tree):
    """Each name that stands in code: of C, of Lua, of the Makefile."""
    names = set(tree.words)
    for path in glob.glob("runtime/**/*.[ch]", recursive=True):
        with open(path, encoding="utf-8") as file:  # what a text names, scripts may use
            names.update(re.findall(r"[A-Za-z_]\w*", without_comments(file.read())))
    for path in [*glob.glob("stdlib/**/*.lua", recursive=True), *glob.glob("scripts/**/*.lua", recursive=True), "Makefile"]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        names.update(re.findall(r"[A-Za-z_]\w*", text if "/meta/" in path else LUA_COMMENT.sub(kept_code, text)))
    return names


def kept_code(match):
    return " " if match.group(1) else match.group()


def all_files():
    """Each file, by its path and all that ends it: runtime/vm/vm.h, vm/vm.h and vm.h."""
    found = set()
    for root in ("runtime", "stdlib", "scripts", "examples", "tests/*", "docs"):
        for path in glob.glob(root + "/*.*") + ([] if "*" in root else glob.glob(root + "/**/*.*", recursive=True)):
            parts = path.split("/")
            found.update("/".join(parts[i:]) for i in range(len(parts)))
    return found


def wrong_in_comment(text, files, names):
    """[(offset, name, what is wrong)]"""
    wrong = []
    for match in COMMENT_FILE.finditer(text):
        name = match.group()
        if not LUAS_OWN.fullmatch(name) and name not in files and "NAME" not in name:
            wrong.append((match.start(), name, "no such file"))
    for match in COMMENT_NAME.finditer(text):
        name = match.group(1)
        if ("_" in name or match.group(2)) and name not in names and not LIBRARY_NAME.match(name):
            wrong.append((match.start(), name + (match.group(2) or ""), "no such name in the code"))
    return wrong


def check_comments(tree):
    files, count = all_files() | OTHER_FILES, 0
    names = code_names(tree) | OTHER_NAMES | {os.path.splitext(os.path.basename(file))[0] for file in files}
    for path in sorted([*glob.glob("runtime/**/*.[ch]", recursive=True), *glob.glob("stdlib/**/*.lua", recursive=True)]):
        for first, text in comments_of(path):
            count += 1
            problems.extend(f"{path}:{first + text.count(chr(10), 0, at)}: {name}: {wrong}"
                            for at, name, wrong in wrong_in_comment(text, files, names))
    if count < 1000:
        problems.append(f"{count} comments were looked at: the check has lost them")


def check_beginning(path):
    """What the reader can do after the page, and an example, stand before its first chapter."""
    with open(path, encoding="utf-8") as file:
        beginning = file.read().split("\n## ")[0]
    if "After this page you " not in beginning.replace("\n", " "):
        problems.append(f'{path}:1: it does not begin with "After this page you can ..."')
    if "\n```" not in beginning:
        problems.append(f"{path}:1: it does not begin with an example")


tree = Tree()
check_names(PAGE, tree)
check_comments(tree)
for page in PAGES:
    if not os.path.exists(page):
        problems.append(f"{page} is not there")
        continue
    check_lines(page)
    check_links(page)
    check_beginning(page)
print("\n".join(problems), end="\n" if problems else "")
sys.exit(1 if problems else 0)
