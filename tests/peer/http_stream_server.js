// An HTTP server whose bodies are long, slow, cut or endless, over TCP and over TLS.
// `node http_stream_server.js --folder=F`, where F holds server.pem and server.key; prints PLAIN=port,
// TLS=port, READY.
//
// /state says as JSON: {open (connections), poured (bytes given to each name), served (requests of each),
// tagged (open connections that have asked /tag/NAME), most (the most of them at once)}.
"use strict";
const fs = require("fs");
const http = require("http");
const https = require("https");
const path = require("path");
const zlib = require("zlib");
const peer = require("./peer.js");

const opt = peer.options({ folder: "." });
const state = { open: 0, poured: {}, served: {}, tagged: {}, most: {} };
const piece = Buffer.alloc(1 << 20, "x");

// Writes as fast as it is taken, until `left` bytes are written or the connection ends.
function pour(res, name, left) {
  state.poured[name] = 0;
  const go = () => {
    while (left > 0 && !res.destroyed) {
      const part = left < piece.length ? piece.subarray(0, left) : piece;
      left -= part.length;
      state.poured[name] += part.length;
      if (!res.write(part)) return res.once("drain", go);
    }
    res.end();
  };
  go();
}

const routes = {
  mib: (req, res, n) => {
    res.writeHead(200, { "Content-Length": Number(n) << 20 });
    pour(res, "mib", Number(n) << 20);
  },
  pour: (req, res, name) => pour(res, name, Infinity),
  lines: (req, res) => {
    const parts = ["on", "e\r", "\ntwo\n", "\n", "four\r\r\nfi", "ve\rstill five\n\r\nlast"];
    const go = () => (parts.length ? res.write(parts.shift(), () => setTimeout(go, 5)) : res.end());
    go();
  },
  stall: (req, res) => res.write("part"),
  cut: (req, res) => {
    res.writeHead(200, { "Content-Length": 100 });
    res.write("part", () => setTimeout(() => res.socket.destroy(), 50));
  },
  drip: (req, res, n) => {
    const timer = setInterval(() => (n-- > 0 ? res.write(".") : (clearInterval(timer), res.end())), 100);
  },
  flaky: (req, res, name) => {
    state.served[name] = (state.served[name] || 0) + 1;
    if (state.served[name] < 3) return (res.writeHead(503, { "Retry-After": "0" }), res.write("busy"));
    res.end("well");
  },
  never: (req, res, name) => {
    state.served[name] = (state.served[name] || 0) + 1;
    res.writeHead(404);
    res.write("not here");
  },
  silent: () => {},
  packed: (req, res, n) => {
    res.writeHead(200, { "Content-Encoding": "gzip" });
    res.end(zlib.gzipSync(Buffer.alloc(Number(n) << 20)));
  },
  tag: (req, res, name, ms) => {
    const tags = (req.socket.tags ||= new Set());
    if (!tags.has(name)) {
      tags.add(name);
      state.tagged[name] = (state.tagged[name] || 0) + 1;
      state.most[name] = Math.max(state.most[name] || 0, state.tagged[name]);
      req.socket.on("close", () => state.tagged[name]--);
    }
    setTimeout(() => res.end("."), Number(ms || 0));
  },
  empty: (req, res) => res.end(),
  gone: (req, res) => (res.writeHead(204), res.end()),
  to: (req, res, where) => (res.writeHead(302, { Location: "/" + where + "/1" }), res.end("elsewhere")),
  swallow: (req, res) => {
    let size = 0;
    req.on("data", (data) => (size += data.length)).on("end", () => res.end(String(size)));
  },
  state: (req, res) => res.end(JSON.stringify(state)),
};

function serve(req, res) {
  const [, name, rest, more] = req.url.split("/");
  res.on("error", () => {});
  routes[name](req, res, rest, more);
}

function count(server, event) {
  server.on(event, (socket) => {
    state.open++;
    socket.on("close", () => state.open--);
  });
  return server;
}

const read = (name) => fs.readFileSync(path.join(opt.folder, name));
const plain = count(http.createServer(serve), "connection");
const secure = count(https.createServer({ cert: read("server.pem"), key: read("server.key") }, serve), "secureConnection");
plain.listen(0, "127.0.0.1", () =>
  secure.listen(0, "127.0.0.1", () => {
    console.log(`PLAIN=${plain.address().port}\nTLS=${secure.address().port}\nREADY`);
  }));
peer.stopWithParent(opt.limit);
