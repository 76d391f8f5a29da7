"""The Python client against our server: server_client.py URL."""
import sys
import threading

import socketio

failed = False


def check(name, held):
    global failed
    print(("ok " if held else "not ok ") + name, flush=True)
    failed = failed or not held


client = socketio.Client(reconnection=False)
answered = threading.Event()
answer = []


@client.on("question")
def on_question(n):
    return "python %d" % n


@client.on("answered")
def on_answered(*args):
    answer.extend(args)
    answered.set()


client.connect(sys.argv[1], transports=["websocket"], auth={"token": "good"}, wait_timeout=10)
check("python: calls", client.call("add", (2, 3), timeout=10)[:2] == (5, 1))
client.emit("ask", 5)
check("python: is called", answered.wait(10) and answer == ["python 42", None])
back, name, rest = client.call("files", ("n", bytes(range(256)) * 40), timeout=10)
check("python: files", back == bytes(range(256)) * 40 and name == "n" and rest == [b""])
client.disconnect()
client = socketio.Client(reconnection=False)
client.connect(sys.argv[1], transports=["polling"], auth={"token": "good"}, wait_timeout=10)
back, name, rest = client.call("files", ("n", b"\x00\xff"), timeout=10)
check("python: files by polling", back == b"\x00\xff" and name == "n" and rest == [b""])
client.disconnect()
refused = socketio.Client(reconnection=False)
try:
    refused.connect(sys.argv[1], transports=["websocket"], auth={"token": "bad"}, wait_timeout=10)
    check("python: is refused", False)
except socketio.exceptions.ConnectionError:
    check("python: is refused", True)
sys.exit(failed)
