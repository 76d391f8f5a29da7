// Servers of event streams as they are met: good ones, broken ones, hostile ones.
// `node events_server.js`; prints PORT n.
//
// Each path has a name behind its first part, so that tests do not meet: /ids/NAME/... . /state/NAME says
// what was asked of it: [{method, id, auth, accept, body}]. Where a path has an end, 204 is the answer
// after it.
"use strict";
const http = require("http");
const zlib = require("zlib");
const peer = require("./peer.js");

const opt = peer.options({});
const served = {};
let open = 0;

const head = { "Content-Type": "text/event-stream" };
const begin = (res, more) => res.writeHead(200, { ...head, ...more });
const end = (res) => (res.writeHead(204), res.end());

// What the n-th request to a name gets; after the last, 204.
const turns = (...all) => (req, res, past) => (all[past] ? all[past](req, res, past) : end(res));
const text = (body) => (req, res) => (begin(res), res.end(body));
const status = (code, headers) => (req, res) => (res.writeHead(code, headers || {}), res.end("busy"));

const frame = "retry: 100\nevent: tick\nid: 7\ndata: a\ndata: b\n\n: comment\n\ndata: c\n\n";

const routes = {
  // Goes on after the last id; `each` events a connection, `all` together.
  ids: (req, res, past, each, all) => {
    let at = Number(req.headers["last-event-id"] || 0);
    if (at >= all) return end(res);
    begin(res);
    res.write("retry: 100\n\n");
    for (let i = 0; i < each && at < all; i++) res.write(`id: ${++at}\ndata: n${at}\n\n`);
    res.end("data: never whole");
  },
  // The first times a status, then a stream.
  status: (req, res, past, code, times) =>
    past < times ? status(Number(code))(req, res) : turns(text("retry: 100\ndata: well\n\n"))(req, res, past - times),
  after: turns(status(503, { "Retry-After": "1" }), text("data: well\n\n")),
  noids: turns(text("retry: 100\ndata: a\n\n"), text("data: a\n\n")),
  lost: turns(text("retry: 100\nid: 1\ndata: a\n\nid\ndata: b\n\n"), text("data: c\n\n")),
  // The last event stays whole without another byte.
  cr: (req, res) => (begin(res), res.write("data: one\r\rdata: two\r\r")),
  nul: turns(text("retry: 100\nid: 5\ndata: a\n\nid: 6\0x\ndata: b\n\n"), text("data: c\n\n")),
  control: turns(text("retry: 100\nid: 1\x01\x1b\x7f\ndata: a\n\n"), text("data: b\n\n")),
  large: turns(text(`retry: 100\nid: ${"i".repeat(9000)}\ndata: a\n\n`), text("data: b\n\n")),
  utf8: turns(text("retry: 100\nid: \u00e4\u20ac\ndata: a\n\n"), text("data: b\n\n")),
  bom: turns(text("\ufeffdata: a\n\n")),
  flood: (req, res, past, count) => {
    if (past) return end(res);
    begin(res);
    const part = "data\n\n".repeat(1000);
    let left = Number(count) / 1000;
    const go = () => {
      while (left > 0) if (left--, !res.write(part)) return res.once("drain", go);
      res.end();
    };
    go();
  },
  // Events for as long as they are taken; `open` tells how many were written.
  pour: (req, res, past) => {
    begin(res);
    const part = "data: " + "x".repeat(1000) + "\n\n";
    const entry = served[req.name][past];
    entry.written = 0;
    const go = () => {
      while (!res.destroyed) if (entry.written++, !res.write(part)) return res.once("drain", go);
    };
    go();
  },
  endless: (req, res) => {
    begin(res);
    const go = () => { while (!res.destroyed) if (!res.write("x".repeat(65536))) return res.once("drain", go); };
    go();
  },
  manylines: (req, res) => {
    begin(res);
    const go = () => { while (!res.destroyed) if (!res.write("data: x\n".repeat(8192))) return res.once("drain", go); };
    go();
  },
  // The connection breaks after so many bytes of the frame; the next time it is whole.
  cut: (req, res, past, bytes) => {
    if (past > 1) return end(res);
    begin(res, past ? {} : { "Content-Length": frame.length });
    if (past) return res.end(frame);
    res.write(frame.slice(0, bytes), () => res.destroy());
    if (bytes === "0") res.flushHeaders(), setTimeout(() => res.destroy(), 5);
  },
  // Byte by byte.
  drip: (req, res, past) => {
    if (past) return end(res);
    begin(res);
    let at = 0;
    const go = () => (at < frame.length ? res.write(frame[at++], () => setImmediate(go)) : res.end());
    go();
  },
  gzip: (req, res, past) => {
    if (past) return end(res);
    begin(res, { "Content-Encoding": "gzip" });
    const out = zlib.createGzip();
    out.pipe(res);
    out.write("data: packed\n\n");
    out.flush(() => setTimeout(() => (out.write("data: again\n\n"), out.end()), 50));
  },
  type: (req, res, past, kind) => (res.writeHead(200, kind ? { "Content-Type": kind.replace("-", "/") } : {}), res.end('{"a": 1}')),
  param: turns((req, res) => (res.writeHead(200, { "Content-Type": "Text/Event-Stream; charset=utf-8" }), res.end("data: a\n\n"))),
  code: (req, res, past, code) => (res.writeHead(Number(code), head), res.end("data: no\n\n")),
  to: (req, res, past, where) => (res.writeHead(307, { Location: `/${where}/${req.name}` }), res.end()),
  circle: (req, res) => (res.writeHead(302, { Location: req.url }), res.end()),
  silent: (req, res) => (begin(res), res.write(": here\n\n")),
  hang: () => {},
  slowhead: (req, res, past) => setTimeout(() => turns(text("data: a\n\n"))(req, res, past), 200),
  long: (req, res, past) => {
    if (past) return end(res);
    begin(res);
    let n = 0;
    const timer = setInterval(() => (++n > 4 ? (clearInterval(timer), res.end()) : res.write(`id: ${n}\ndata: ${n}\n\n`)), 200);
  },
  // One every 20 ms, after the last id, without end.
  ticks: (req, res) => {
    let at = Number(req.headers["last-event-id"] || 0);
    begin(res);
    const timer = setInterval(() => res.write(`id: ${++at}\ndata: n${at}\n\n`), 20);
    res.on("close", () => clearInterval(timer));
  },
  auth: (req, res, past) => {
    if (req.headers.authorization !== "Bearer fresh") return status(401, { "WWW-Authenticate": 'Bearer error="invalid_token"' })(req, res);
    if (served[req.name].filter((one) => one.auth === "Bearer fresh").length > 1) return end(res);
    text("data: in\n\n")(req, res);
  },
  once: (req, res) => text("data: part\n\ndata: [DONE]\n\n")(req, res),
  broken: (req, res) => (begin(res, { "Content-Length": 100 }), res.write("data: part\n\n", () => res.destroy())),
  // An assistant that has three words, and thinks before the last.
  ai: (req, res) => {
    begin(res);
    const say = (content) => res.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
    say("one ");
    say("two ");
    setTimeout(() => (say("three"), res.end("data: [DONE]\n\n")), 1000);
  },
  state: (req, res) => {
    res.setHeader("Content-Type", "application/json");
    res.end(JSON.stringify({ open, served: served[req.name] || [] }));
  },
};

const server = http.createServer((req, res) => {
  const [, kind, name, ...rest] = req.url.split("?")[0].split("/");
  let body = "";
  req.name = name;
  res.on("error", () => {});
  req.on("data", (part) => (body += part)).on("end", () => {
    if (kind === "state") return routes.state(req, res);
    const all = (served[name] = served[name] || []);
    const past = all.length;
    all.push({ method: req.method, id: req.headers["last-event-id"], auth: req.headers.authorization,
      accept: req.headers.accept, body });
    routes[kind](req, res, past, ...rest);
  });
});
server.on("connection", (socket) => (open++, socket.on("close", () => open--)));
peer.listen(server, opt);
