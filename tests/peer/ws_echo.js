// A plain WebSocket server (npm ws): echoes each message as it came, text or binary. A text
// that starts with "/" is an order instead:
//   /close CODE REASON   close so       /drop          destroy the connection
//   /ping TEXT           ping; the pong's text comes back as "pong TEXT"
//   /flood N TEXT        N messages     /headers       the request's headers as JSON
// --subprotocol=NAME is chosen when offered; --deflate offers permessage-deflate.
"use strict";
const { WebSocketServer } = require("ws");
const { options, listen, httpServer } = require("./peer");

const opt = options({ subprotocol: "", deflate: false, maxPayload: 1 << 26, cert: "", key: "" });
const server = httpServer(opt, (req, res) => res.writeHead(404).end("nothing here\n"));
const wss = new WebSocketServer({
  server,
  perMessageDeflate: opt.deflate,
  maxPayload: opt.maxPayload,
  handleProtocols: (offered) => offered.has(opt.subprotocol) && opt.subprotocol,
});

const orders = {
  close: (ws, code, ...reason) => ws.close(code ? Number(code) : undefined, reason.join(" ")),
  drop: (ws) => ws.terminate(),
  ping: (ws, ...text) => ws.ping(text.join(" ")),
  flood: (ws, n, ...text) => {
    for (let i = 0; i < Number(n); i++) ws.send(text.join(" "));
  },
  headers: (ws) => ws.send(JSON.stringify(ws.headers)),
};

wss.on("connection", (ws, req) => {
  ws.headers = req.headers;
  ws.on("error", () => {});
  ws.on("pong", (data) => ws.send(`pong ${data}`));
  ws.on("message", (data, isBinary) => {
    const [name, ...args] = isBinary ? [""] : data.toString().split(" ");
    const order = name.startsWith("/") && orders[name.slice(1)];
    if (order) order(ws, ...args);
    else ws.send(data, { binary: isBinary });
  });
});

listen(server, opt);
