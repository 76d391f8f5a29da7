"""tests/check/counts.sh: how the house stands, in figures; it judges nothing. It works on any tree
whose root it is run at, so that two can be compared.
  counts.sh          the figures
  counts.sh --list   also the arrows, the circles and the names behind them"""
import collections
import os
import re
import statistics
import sys

from arrows import Tree, folder_of, turned
from floors import FLOOR, is_up

TOLD = re.compile(r"\b(?:told|tells?|telling)\b", re.I)
TOLD_IN_NAMES = re.compile(r"(?:told|tell)(?=_)|(?<=_)(?:told|tell)", re.I)
BRANCH = re.compile(r"\b(?:if|for|while|switch)\b|\?")
full = sys.argv[1:] == ["--list"]


def show(name, value, *details):
    print(f"{name + ':':<37}{value}")
    for detail in details if full else ():
        print(f"    {detail}")


def by_folder(units):
    count = {}
    for unit in units:
        count[folder_of(unit)] = count.get(folder_of(unit), 0) + 1
    return ", ".join(f"{folder} {n}" for folder, n in sorted(count.items(), key=lambda item: -item[1]))


def kinds(tree, arrows):
    """Includes, calls: an arrow may be both."""
    includes = sum(bool(tree.arrows[a]["include"]) for a in arrows)
    calls = sum(bool(tree.arrows[a]["call"]) for a in arrows)
    return f"{includes} includes, {calls} with calls"


def named(tree, arrow):
    calls = sorted(tree.arrows[arrow]["call"])
    return " -> ".join(arrow) + ": " + (", ".join(calls) or "include alone")


def show_arrows(tree):
    between = sorted(a for a in tree.arrows if is_up(a))
    outside = {a for a in tree.arrows if folder_of(a[0]) != folder_of(a[1])}
    groups = tree.circles(outside)
    within = [a for a in tree.arrows if any(a[0] in g and a[1] in g for g in groups) and a not in outside]
    up = sorted(a for g in groups for a in turned(g, within))
    show("upward arrows between folders", f"{len(between)} ({kinds(tree, between)})", *(named(tree, a) for a in between))
    show("upward arrows inside folders", f"{len(up)} ({kinds(tree, up)}; {by_folder(a for a, _ in up)})",
         *(named(tree, a) for a in up))
    show("arrows that their end answers", f"{len(within)} ({by_folder(a for a, _ in within)})")
    whole = sorted(tree.circles(), key=len, reverse=True)
    show("circles of files", f"{len(whole)}" + (f", of {', '.join(str(len(g)) for g in whole)} files" if whole else ""),
         *(", ".join(g) for g in whole))


def show_functions(tree):
    lengths = sorted(f.lines + 2 for f in tree.functions)  # with its head and its brace
    long = [f for f in tree.functions if f.lines > 40]
    tables = sum(f.rows * 3 >= f.lines for f in long)
    show("functions", f"{len(lengths)}; median {statistics.median(lengths):.0f} lines, nine in ten up to "
         f"{lengths[len(lengths) * 9 // 10]}, over 40: {len(long)} (tables of cases: {tables})",
         *(f"{f.file}:{f.line}: {f.name}() has {f.lines}" for f in long))
    statics = [f for f in tree.functions if f.static]
    words = [f for f in statics if "_" not in f.name]
    show("static functions of one word", f"{len(words)} of {len(statics)}, {100 * len(words) / (len(statics) or 1):.1f} % "
         f"({by_folder(f.unit for f in words)})", *(f"{f.file}:{f.line}: {f.name}" for f in words))


def show_words(tree):
    said, in_names, places = 0, 0, []
    for file in tree.files:
        for number, line in enumerate(file.raw_lines, 1):
            said += len(TOLD.findall(line))
            in_names += len(TOLD_IN_NAMES.findall(line))
            if TOLD.search(line) or TOLD_IN_NAMES.search(line):
                places.append(f"{file.path}:{number}: {line.strip()}")
    show('"told", "tell"', f"{said}, and {in_names} in names", *places)


def has_logic(file):
    """A function of it decides something."""
    lines = file.code.split("\n")
    return any(BRANCH.search(line) for f in file.functions for line in lines[f.line - 1:f.line + f.lines])


def is_tested(unit, names):
    """By tests/c/NAME_test.c; of several files of one name by that which includes its header, or by
    FOLDER_NAME_test.c."""
    name = os.path.basename(unit)
    path = f"tests/c/{name}_test.c"
    if not os.path.exists(path) or os.path.exists(f"tests/c/{unit.replace('/', '_')}_test.c"):
        return os.path.exists(f"tests/c/{unit.replace('/', '_')}_test.c")
    with open(path, encoding="utf-8") as test:
        return names[name] == 1 or f'#include "{unit}.h"' in test.read()


def show_tests(tree):
    logic = [f for f in tree.files if f.path.endswith(".c") and has_logic(f)]
    names = collections.Counter(os.path.basename(f.unit) for f in tree.files if f.path.endswith(".c"))
    missing = [f for f in logic if not is_tested(f.unit, names)]
    show("C files with a C test of their name", f"{len(logic) - len(missing)} of {len(logic)} with logic; without: "
         f"{by_folder(f.unit for f in missing)}", *(f.path for f in missing))


def main():
    tree = Tree()
    if not tree.files:
        sys.exit(f"no C file in {os.getcwd()}/runtime: run it at the root of the tree")
    unplaced = {folder_of(unit) for unit in tree.units} - FLOOR.keys()
    show("files", f"{len(tree.files)} in {len({folder_of(u) for u in tree.units})} folders"
         + (f"; on no floor: {', '.join(sorted(unplaced))}" if unplaced else ""))
    show_arrows(tree)
    show_functions(tree)
    show_words(tree)
    show_tests(tree)


main()
