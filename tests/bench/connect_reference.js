// The same as connect.lua, by socket.io-client.
"use strict";
const path = require("path");
const { io } = require(path.join(__dirname, "../peer/node_modules/socket.io-client"));
const times = [];
const transports = process.env.TRANSPORTS && process.env.TRANSPORTS.split(" ");
function go() {
  const from = performance.now();
  const s = io(process.env.WS_URL, { forceNew: true, ...(transports && { transports }) });
  s.on("connect", () => {
    times.push(performance.now() - from);
    s.disconnect();
    if (times.length < Number(process.env.N || 20)) return setTimeout(go, 50);
    console.log(times.join(" "));
    process.exit(0);
  });
}
go();
