"""tests/check/layers.sh: fails where an arrow between two files of runtime/ runs up, to a folder
above or beside, or closes a circle. What an arrow is, arrows.py says. The few that are allowed
stand in layers.allow, with their reason.
  layers.sh          checks the tree that it is run at the root of
  layers.sh --list   prints each arrow that runs up, allowed or not, in the format of layers.allow"""
import fnmatch
import os
import re
import sys

from arrows import Tree, folder_of, turned
from floors import FLOOR, is_up

MOST_BETWEEN_FOLDERS = 6

# Which folders may include a library's headers.
LIBRARIES = [
    (r"(lua|luaconf|lualib|lauxlib)\.h$", "bridge vm resource script lua"),
    (r"uv(\.h|/)", "loop net socket server data ui sources vm resource script lua main"),
    (r"curl/", "net"),
    (r"zlib\.h$", "proto"),
    (r"libwebsockets", "server"),
    (r"sqlite3", "data"),
    (r"(ncurses|curses|panel|term)", "ui"),
    (r"(cjson/)?cJSON", "core"),
    (r"(sys/socket|sys/epoll|netdb|netinet/|arpa/|poll\.h)",
     "loop net server data ui script lua main"),
]

problems, warnings = [], []


def read_allowed(path):
    """[(pattern from, pattern to, reason)]: patterns, as the shell has them, of folder/NAME."""
    found = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if line.strip() and not line.startswith("#"):
            match = re.match(r"(\S+) +(\S+): +(\S.*)", line)
            if match:
                found.append(match.groups())
            else:
                problems.append(f"{path}:{number}: write it as \"FROM TO: REASON\"")
    return found


def matching(allowed, arrow):
    return [a for a in allowed if fnmatch.fnmatch(arrow[0], a[0]) and fnmatch.fnmatch(arrow[1], a[1])]


def how(tree, arrow):
    """Where the arrow is seen: the include, or what is used."""
    found = tree.arrows[arrow]
    calls = sorted(found["call"])
    parts = found["include"][:1]
    if calls:
        parts.append("uses " + ", ".join(calls[:4]) + (", ..." if len(calls) > 4 else ""))
    return "; ".join(parts)


def check_includes(tree):
    for file in tree.files:
        for name, line in file.includes:
            if "/" not in name or name.startswith("."):
                problems.append(f'{file.path}:{line}: write it as "folder/name.h"')
            elif folder_of(name) not in FLOOR:
                problems.append(f"{file.path}:{line}: no such folder: {folder_of(name)}")
            elif name.endswith("parts.h") and folder_of(name) != folder_of(file.unit):
                problems.append(f"{file.path}:{line}: {name} is for files of {folder_of(name)}/ alone: its types are opaque outside")


def check_libraries(tree):
    for file in tree.files:
        folder = folder_of(file.unit)
        for number, line in enumerate(file.raw_lines, 1):
            match = re.match(r"[ \t]*#[ \t]*include[ \t]*<([^>]+)>", line)
            if match and match.group(1).split("/")[0] in FLOOR and os.path.exists("runtime/" + match.group(1)):
                problems.append(f'{file.path}:{number}: write it as "{match.group(1)}"')
            for pattern, folders in LIBRARIES if match else ():
                if re.match(pattern, match.group(1)) and folder not in folders.split():
                    problems.append(f"{file.path}:{number}: {folder} may not include <{match.group(1)}>")


def arrows_up(tree, without):
    """Those between folders, and of the circles inside one the fewest that have to go."""
    between = [arrow for arrow in tree.arrows if is_up(arrow) and arrow not in without]
    inside = {arrow: True for arrow in tree.arrows if folder_of(arrow[0]) == folder_of(arrow[1])}
    groups = tree.circles(without | (tree.arrows.keys() - inside.keys()))
    left = [arrow for arrow in inside if arrow not in without]
    return between, [(group, turned(group, left)) for group in groups]


def check_arrows(tree, allowed):
    without = {arrow for arrow in tree.arrows if matching(allowed, arrow)}
    between, circles = arrows_up(tree, without)
    for arrow in sorted(between):
        word = "beside" if FLOOR[folder_of(arrow[0])] == FLOOR[folder_of(arrow[1])] else "above"
        problems.append(f"{arrow[0]} uses {arrow[1]}, {word} it ({how(tree, arrow)})")
    for group, up in circles:
        problems.append("a circle: " + ", ".join(group))
        problems.extend(f"  opened without {a} -> {b} ({how(tree, (a, b))})" for a, b in up)
    used = {a for arrow in without for a in matching(allowed, arrow)}
    between_folders = [a for a in used if a[0].split("/")[0] != a[1].split("/")[0]]
    if len(between_folders) > MOST_BETWEEN_FOLDERS:
        problems.append(f"{len(between_folders)} arrows between folders are allowed: {MOST_BETWEEN_FOLDERS} are the most")
    warnings.extend(f"layers.allow: nothing does it any more: {a[0]} {a[1]} (warning)" for a in allowed if a not in used)


def show_all(tree):
    between, circles = arrows_up(tree, set())
    inside = [arrow for _, up in circles for arrow in up]
    for title, arrows in (("between folders", between), ("inside folders", inside)):
        print(f"# {title}: {len(arrows)}")
        for arrow in sorted(arrows):
            print(f"{arrow[0]} {arrow[1]}: {how(tree, arrow)}")


def main():
    tree = Tree()
    unknown = {folder_of(unit) for unit in tree.units} - FLOOR.keys()
    if unknown:
        sys.exit(f"no such folder: {' '.join(sorted(unknown))}; the table is in tests/check/floors.py")
    if sys.argv[1:] == ["--list"]:
        return show_all(tree)
    check_includes(tree)
    check_libraries(tree)
    if not problems:
        check_arrows(tree, read_allowed(os.path.join(os.path.dirname(__file__), "layers.allow")))
    print("\n".join(problems + warnings), end="\n" if problems or warnings else "")
    sys.exit(bool(problems))


main()
