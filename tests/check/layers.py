"""tests/check/layers.sh: fails where an arrow between two files of runtime/ runs up, to a folder
above or beside, or closes a circle. What an arrow is, arrows.py says. The few that are allowed
stand in layers.allow, with their reason. All that is wrong is said, each with its file and line.
  layers.sh          checks the tree that it is run at the root of
  layers.sh --list   prints each arrow that runs up, allowed or not, in the format of layers.allow"""
import itertools
import os
import re
import sys

from arrows import Tree, components, folder_of, turned
from floors import FLOOR, is_up

MOST_BETWEEN_FOLDERS = 6
MOST_PLACES = 6  # of one arrow that are shown

# Which folders may include a library's headers, and use its names.
LIBRARIES = [
    (r"(lua|luaconf|lualib|lauxlib)\.h$", r"(lua|luaL)_\w+$", "bridge vm resource script lua"),
    (r"uv(\.h|/)", r"uv_\w+$", "loop net socket server data ui sources vm resource script lua main"),
    (r"curl/", r"curl_\w+$", "net"),
    (r"zlib\.h$", r"(deflate|inflate)(Init|End|Reset)\w*$", "proto"),
    (r"libwebsockets", r"lws_\w+$", "server"),
    (r"sqlite3", r"sqlite3_\w+$", "data"),
    (r"(ncurses|curses|panel|term)", r"(initscr|endwin|tcsetattr)$", "ui"),
    (r"(cjson/)?cJSON", None, "core"),
    (r"(sys/socket|sys/epoll|netdb|netinet/|arpa/|poll\.h)", None, "loop net server data ui script lua main"),
]

problems, warnings = [], []


def expanded(pattern):
    """The names that core/value{,_tree} stands for: core/value and core/value_tree."""
    parts = [part.strip("{}").split(",") for part in re.findall(r"\{[^{}]*\}|[^{}]+", pattern)]
    return ["".join(names) for names in itertools.product(*parts)]


def read_allowed(path):
    """{(from, to): the line that allows it}, each a folder/NAME."""
    found = {}
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.match(r"(\S+) +(\S+): +(\S.*)", line)
        if not match:
            problems.append(f'{path}:{number}: write it as "FROM TO: REASON"')
        elif re.search(r"[*?\[\]]", match.group(1) + match.group(2)):
            problems.append(f"{path}:{number}: name each file, as in core/value{{,_tree}}: a pattern allows what is not written yet")
        else:
            for arrow in itertools.product(expanded(match.group(1)), expanded(match.group(2))):
                found[arrow] = number
    return found


def check_names(tree):
    """Each file lies in a folder that has a floor; each include says which."""
    for file in tree.files:
        if folder_of(file.unit) not in FLOOR:
            problems.append(f"{file.path}: no such folder: {folder_of(file.unit)}; the table is in tests/check/floors.py")
        for name, line in file.includes:
            path, ours = name.strip('"<>'), tree.included(file, name)
            if name[0] == '"' and ("/" not in path or path != os.path.normpath(path) or path.startswith(".")
                                   or ours not in (path, None)):
                problems.append(f'{file.path}:{line}: write it as "folder/name.h"')
            elif name[0] == "<" and ours:
                problems.append(f'{file.path}:{line}: write it as "{ours}"')
            elif name[0] == '"' and folder_of(path) not in FLOOR:
                problems.append(f"{file.path}:{line}: no such folder: {folder_of(path)}")
            elif name[0] not in '"<' and not ours:
                problems.append(f"{file.path}:{line}: {name} is no name of a file: write it as \"folder/name.h\"")


def includes_of(tree, file):
    """[(path, line)] of the files of ours that it includes."""
    found = [(tree.included(file, name), line) for name, line in file.includes]
    return [("runtime/" + path, line) for path, line in found if path]


def chain_to(path, after, wanted):
    """The shortest chain of includes from a file to one that is wanted; None: there is none."""
    before, queue = {path: None}, [path]
    for at in queue:
        for target, _ in after.get(at, ()):
            if target not in before:
                before[target] = at
                queue.append(target)
                if wanted(target):
                    chain = [target]
                    while before[chain[-1]]:
                        chain.append(before[chain[-1]])
                    return chain[::-1]
    return None


def check_parts(tree):
    """*parts.h holds types, which are opaque outside of its folder, through other headers as well."""
    after = {file.path: includes_of(tree, file) for file in tree.files}
    for file in tree.files:
        folder = folder_of(file.unit)
        chain = chain_to(file.path, after, lambda path: path.endswith("parts.h") and folder_of(path[len("runtime/"):]) != folder)
        if chain:
            line = dict(after[file.path])[chain[1]]
            through = ", through " + " and ".join(path[len("runtime/"):] for path in chain[1:-1]) if chain[2:] else ""
            parts = chain[-1][len("runtime/"):]
            problems.append(f"{file.path}:{line}: {parts} is for files of {folder_of(parts)}/ alone{through}: its types are opaque outside")
        if file.path.endswith("parts.h"):
            problems.extend(f"{file.path}:{file.first[name]}: {name} is declared among types: give it to a header of its own"
                            for name in sorted(file.declared) if name in file.first)


def check_headers(tree):
    """Headers that include one another, whatever .c files make of them."""
    headers = {file.path: includes_of(tree, file) for file in tree.files if not file.path.endswith(".c")}
    for group in components({path: [p for p, _ in to if p in headers] for path, to in headers.items()}):
        if len(group) > 1:
            problems.append("a circle of headers: " + ", ".join(sorted(group)))
            problems.extend(f"  {path}:{line}: includes {target}" for path in sorted(group)
                            for target, line in headers[path] if target in group)


def check_libraries(tree):
    ours = tree.homes().keys()
    for file in tree.files:
        folder = folder_of(file.unit)
        for header, names, folders in LIBRARIES:
            if folder in folders.split():
                continue
            for name, line in file.includes:
                if re.match(header, name.strip('"<>')) and not tree.included(file, name):
                    problems.append(f"{file.path}:{line}: {folder} may not include {name}")
            for name in sorted(file.tokens.keys() - ours) if names else ():
                if re.match(names, name):
                    problems.append(f"{file.path}:{file.first[name]}: {folder} may not use {name}")


def shown(tree, arrow, words):
    """A line for each place where the arrow is seen."""
    places = tree.places(arrow)
    lines = [f"{place}: {words} ({what})" for place, what in places[:MOST_PLACES]]
    return lines + [f"... and {len(places) - MOST_PLACES} more"] * (len(places) > MOST_PLACES)


def arrows_up(tree, without):
    """Those between folders, and of the circles inside one the fewest that have to go."""
    between = [arrow for arrow in tree.arrows if is_up(arrow) and arrow not in without]
    inside = [arrow for arrow in tree.arrows if folder_of(arrow[0]) == folder_of(arrow[1])]
    groups = tree.circles(without | (tree.arrows.keys() - set(inside)))
    left = [arrow for arrow in inside if arrow not in without]
    return between, [(group, turned(group, left), left) for group in groups]


def round_of(arrow, arrows):
    """The shortest circle that the arrow closes, arrow by arrow."""
    after = {}
    for source, target in arrows:
        after.setdefault(source, []).append((target, 0))
    path = chain_to(arrow[1], after, lambda unit: unit == arrow[0]) or [arrow[1], arrow[0]]
    return [arrow] + list(zip(path, path[1:]))


def check_arrows(tree, allowed):
    without = {arrow for arrow in tree.arrows if arrow in allowed}
    between, circles = arrows_up(tree, without)
    for arrow in sorted(between):
        word = "beside" if FLOOR.get(folder_of(arrow[0])) == FLOOR.get(folder_of(arrow[1])) else "above"
        problems.extend(shown(tree, arrow, f"{arrow[0]} uses {arrow[1]}, {word} it"))
    for group, up, left in circles:
        problems.append("a circle: " + ", ".join(group))
        rounds = dict.fromkeys(one for arrow in up for one in round_of(arrow, left))
        for arrow in rounds:
            problems.extend("  " + line for line in shown(tree, arrow, f"{arrow[0]} uses {arrow[1]}"))
    check_allowed(allowed, without)


def check_allowed(allowed, used):
    between = [arrow for arrow in allowed if folder_of(arrow[0]) != folder_of(arrow[1])]
    if len(between) > MOST_BETWEEN_FOLDERS:
        problems.append(f"layers.allow: {len(between)} arrows between folders are allowed: {MOST_BETWEEN_FOLDERS} are the most")
    for number in sorted(set(allowed.values()) - {allowed[arrow] for arrow in used}):
        warnings.append(f"layers.allow:{number}: nothing does it any more (warning)")


def show_all(tree):
    between, circles = arrows_up(tree, set())
    inside = [arrow for _, up, _ in circles for arrow in up]
    for title, arrows in (("between folders", between), ("inside folders", inside)):
        print(f"# {title}: {len(arrows)}")
        for arrow in sorted(arrows):
            print(f"{arrow[0]} {arrow[1]}: {'; '.join(f'{place} {what}' for place, what in tree.places(arrow)[:4])}")


def main():
    tree = Tree()
    if not tree.files:
        sys.exit(f"no C file in {os.getcwd()}/runtime: run it at the root of the tree")
    if sys.argv[1:] == ["--list"]:
        return show_all(tree)
    check_names(tree)
    check_libraries(tree)
    check_parts(tree)
    check_headers(tree)
    check_arrows(tree, read_allowed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.allow")))
    print("\n".join(problems + warnings), end="\n" if problems or warnings else "")
    sys.exit(bool(problems))


main()
