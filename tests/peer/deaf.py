# A listener on ::1 that answers no SYN: its queue is full. `deaf.py PORT` prints READY once it is
# so, and ends when its standard input does.
import select
import socket
import sys

listener = socket.socket(socket.AF_INET6)
listener.bind(("::1", int(sys.argv[1])))
listener.listen(0)
callers = []
while True:
    caller = socket.socket(socket.AF_INET6)
    caller.setblocking(False)
    caller.connect_ex(listener.getsockname())
    callers.append(caller)
    if not select.select([], [caller], [], 0.5)[1]:
        break
print("READY", flush=True)
sys.stdin.read()
