"""python-socketio with a connect handler that greets, as early_server.js does. With --always it
lets in first (always_connect) and refuses by a DISCONNECT."""

import argparse
import asyncio
import os
import sys

import socketio
from aiohttp import web

parser = argparse.ArgumentParser()
parser.add_argument("--always", action="store_true")
opt = parser.parse_args()
sio = socketio.AsyncServer(async_mode="aiohttp", always_connect=opt.always)


class Greeter(socketio.AsyncNamespace):
    asked = 0
    replies = []

    async def on_connect(self, sid, environ, auth=None):
        self.asked += 1
        await self.emit("early", (1, self.namespace), room=sid)
        await self.emit("early", (2, b"bytes"), room=sid)
        await self.emit("early", (3, "ask"), room=sid, callback=self.replies.append)
        if auth and auth.get("slow"):
            await asyncio.sleep(0.1)
        if auth and auth.get("refuse"):
            raise socketio.exceptions.ConnectionRefusedError("not you", {"code": "NO"})
        sio.start_background_task(self.emit, "welcome", room=sid)

    async def on_asked(self, sid):
        await asyncio.sleep(0.05)
        return self.asked, self.replies


for name in ("/", "/room"):
    sio.register_namespace(Greeter(name))


async def main():
    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("PORT", site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.wait_for(asyncio.to_thread(sys.stdin.read), float(os.environ.get("TIME_LIMIT", 120)) - 10)  # until it closes
    os._exit(0)


asyncio.run(main())
