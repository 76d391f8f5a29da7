// What all peers share: options, where they listen, and when they stop.
//
// A peer is started by a test as `node NAME.js [--option=value]...`, prints `PORT n` when it
// is ready, on 127.0.0.1 or --host, and stops at the first of: its standard input closes (where that
// is a pipe), its parent ends, SIGTERM, --limit seconds.
"use strict";
const fs = require("fs");

// A little less than the test that started it has.
const LIMIT = (Number(process.env.TIME_LIMIT) || 120) - 10;

function options(defaults) {
  const found = { port: 0, host: "127.0.0.1", limit: LIMIT, ...defaults };
  for (const arg of process.argv.slice(2)) {
    const match = /^--([\w-]+)(?:=(.*))?$/.exec(arg);
    if (!match || !(match[1] in found)) {
      console.error(`unknown option ${arg}; there are: ${Object.keys(found).join(" ")}`);
      process.exit(2);
    }
    const value = match[2] === undefined ? "true" : match[2];
    found[match[1]] = /^(\d+|true|false)$/.test(value) ? JSON.parse(value) : value;
  }
  return found;
}

function stopWithParent(limit) {
  const stop = () => process.exit(0);
  const parent = process.ppid;
  setTimeout(stop, limit * 1000).unref();
  setInterval(() => process.ppid === parent || stop(), 500).unref();
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  const stdin = fs.fstatSync(0);
  if (stdin.isFIFO() || stdin.isSocket()) {
    process.stdin.on("end", stop).on("error", stop).resume();
  }
}

function listen(server, opt) {
  stopWithParent(opt.limit);
  server.listen(opt.port, opt.host, () => {
    process.stdout.write(`PORT ${server.address().port}\n`);
  });
}

// A plain or, with --cert and --key, a TLS server.
function httpServer(opt, handler) {
  if (!opt.cert) return require("http").createServer(handler);
  const tls = { cert: fs.readFileSync(opt.cert), key: fs.readFileSync(opt.key) };
  return require("https").createServer(tls, handler);
}

module.exports = { options, listen, httpServer, stopWithParent };
