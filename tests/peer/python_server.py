"""The other Socket.IO server: python3-socketio on aiohttp, answering as socketio_server.js
does (see there for the events). Prints `PORT n` when ready; stops when its standard input
closes (where that is a pipe), its parent ends, on SIGTERM, or after --limit seconds."""

import argparse
import asyncio
import os
import signal
import socket
import stat
import sys
import time

import socketio
from aiohttp import web

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--limit", type=float, default=float(os.environ.get("TIME_LIMIT", 120)) - 10)
parser.add_argument("--pingInterval", type=float, default=25000)
parser.add_argument("--pingTimeout", type=float, default=20000)
parser.add_argument("--maxHttpBufferSize", type=int, default=1000000)
opt = parser.parse_args()

sio = socketio.AsyncServer(
    async_mode="aiohttp",
    ping_interval=opt.pingInterval / 1000,
    ping_timeout=opt.pingTimeout / 1000,
    max_http_buffer_size=opt.maxHttpBufferSize,
)


seen = {}


class Peer(socketio.AsyncNamespace):
    """One namespace; a method per event. What a method returns is its ack."""

    async def on_connect(self, sid, environ, auth=None):
        token = (auth or {}).get("token")
        if self.namespace == "/admin" and token != "admin":
            raise socketio.exceptions.ConnectionRefusedError("admins only", {"code": "FORBIDDEN"})
        if token == "bad":
            raise socketio.exceptions.ConnectionRefusedError(
                "bad token", {"code": "UNAUTHORIZED", "retry": False}
            )
        if token == "slow":
            await asyncio.sleep(0.3)
        await self.save_session(sid, {"auth": auth})
        # After the answer to CONNECT, which follows this handler's end.
        asyncio.get_running_loop().call_soon(
            lambda: sio.start_background_task(
                self.emit, "welcome", {"id": sid, "namespace": self.namespace}, room=sid
            )
        )

    def on_disconnect(self, sid):
        pass

    async def on_echo(self, sid, *args):
        await self.emit("echo", tuple(args), room=sid)
        return tuple(args)

    def on_time(self, sid, *_):
        return int(time.time() * 1000)

    async def on_whoami(self, sid, *_):
        session = await self.get_session(sid)
        return {"id": sid, "auth": session["auth"], "namespace": self.namespace}

    async def on_ask(self, sid, *args):
        # In a task of its own: the reply is read by the loop that runs this handler.
        sio.start_background_task(self.ask, sid, args)

    async def ask(self, sid, args):
        try:
            reply = await sio.call(
                "question", args, to=sid, namespace=self.namespace, timeout=5
            )
            reply = list(reply) if isinstance(reply, tuple) else [] if reply is None else [reply]
            asked = {"reply": reply}
        except socketio.exceptions.TimeoutError:
            asked = {"error": "timeout"}
        await self.emit("asked", asked, room=sid)

    async def on_count(self, sid, key, i):
        times = seen[f"{key}{i}"] = seen.get(f"{key}{i}", 0) + 1
        await self.emit("counted", i, room=sid)
        if times == 1:
            await asyncio.sleep(opt.limit)
        return i

    async def on_silent(self, sid, *_):
        await asyncio.sleep(opt.limit)

    async def on_late(self, sid, ms):
        await asyncio.sleep(ms / 1000)
        return "late"

    def on_join(self, sid, room):
        self.enter_room(sid, room)
        return room

    def on_leave(self, sid, room):
        self.leave_room(sid, room)
        return room

    async def on_say(self, sid, room, text):
        await self.emit("said", (text, sid), room=room)

    async def on_broadcast(self, sid, text):
        await self.emit("broadcast", (text, sid), skip_sid=sid)

    async def on_flood(self, sid, n, text=None):
        for i in range(1, n + 1):
            await self.emit("tick", (i, text), room=sid)
        await self.emit("flooded", n, room=sid)

    async def on_kick(self, sid, *_):
        await self.disconnect(sid)

    async def on_kick_all(self, sid, *_):
        await sio.eio.disconnect(sio.manager.eio_sid_from_sid(sid, self.namespace))

    async def on_drop(self, sid, *_):
        environ = sio.get_environ(sid, self.namespace)
        if "transport=websocket" in environ["QUERY_STRING"]:
            environ["aiohttp.request"].transport.abort()
        else:  # it began with polling: its first request is long over
            await sio.eio.disconnect(sio.manager.eio_sid_from_sid(sid, self.namespace))


sio.register_namespace(Peer("/"))
sio.register_namespace(Peer("/admin"))


async def wait_for_the_end():
    """Returns when this peer should stop."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, over.set)
    loop.call_later(opt.limit, over.set)

    def input_readable():
        if not os.read(0, 4096):
            loop.remove_reader(0)
            over.set()

    if stat.S_ISFIFO(os.fstat(0).st_mode) or stat.S_ISSOCK(os.fstat(0).st_mode):
        loop.add_reader(0, input_readable)
    parent = os.getppid()
    while not over.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(over.wait(), 0.5)
        except asyncio.TimeoutError:
            pass


async def main():
    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", opt.port))
    await web.SockSite(runner, sock).start()
    print("PORT", sock.getsockname()[1], flush=True)
    await wait_for_the_end()
    sys.stdout.flush()
    os._exit(0)


asyncio.run(main())
