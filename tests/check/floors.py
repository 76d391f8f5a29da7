"""The folders of runtime/, from top to bottom. A folder may use those on floors below its own, none
above and none beside it."""
from arrows import folder_of

FLOORS = [
    "main",
    "lua",
    "script",
    "sources resource",
    "socket server vm ui",
    "net data bridge",
    "proto loop",
    "core",
]
FLOOR = {folder: -i for i, floor in enumerate(FLOORS) for folder in floor.split()}


def is_up(arrow):
    source, target = map(folder_of, arrow)
    return source != target and FLOOR.get(target, 0) >= FLOOR.get(source, 0)
