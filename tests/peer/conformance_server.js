// A fuzzing server for WebSocket clients on raw TCP, speaking the protocol of the Autobahn
// test suite's: /getCaseCount, /runCase?case=N&agent=NAME, /getCaseStatus?case=N,
// /updateReports. Its cases are those of the suite, and more (see conformance/*.js). At /updateReports it prints "ok GROUP: N cases" or "not ok ..." for each
// group, with the cases that are not OK and why, and one line of counts; --list prints the
// cases. --full: the big ones in full size; --compression: those of compression alone. Not a client of it: autobahn_client.lua.
"use strict";
const net = require("net");
const { options, listen } = require("./peer");
const { TEXT, frame, closePayload, answer } = require("./conformance/frames");
const { Connection } = require("./conformance/connection");
const { run, OK } = require("./conformance/run");
const { offered, agree, Streams } = require("./conformance/deflate");
const { compressed } = require("./conformance/cases_deflate");
const { limits } = require("./conformance/cases_limits");

const opt = options({ full: false, compression: false, list: false, verbose: false });
const cases = compressed(opt.full);
if (!opt.compression) {
  cases.unshift(
    ...require("./conformance/cases").cases,
    ...require("./conformance/cases_utf8").cases,
    ...limits(opt.full),
  );
}
const results = new Map(); // number of the case: { behavior, why, ms }

// --- the requests ---
async function runCase(c, query) {
  const number = Number(query.get("case")), test = cases[number - 1];
  if (!test) return goodbye(c);
  const from = process.hrtime.bigint();
  results.set(number, { behavior: "FAILED", why: "it did not end" });
  const result = await run(test, c);
  if (c.streams) c.streams.close();
  result.ms = Number(process.hrtime.bigint() - from) / 1e6;
  results.set(number, result);
}

async function tell(c, message) {
  await c.frame(TEXT, message);
  await goodbye(c);
}

async function goodbye(c) {
  await c.frame(8, closePayload(1000));
  await c.next(2000);
  c.socket.end();
}

const requests = {
  "/getCaseCount": (c) => tell(c, String(cases.length)),
  "/getCaseStatus": (c, query) => tell(c, JSON.stringify(results.get(Number(query.get("case"))) || {})),
  "/runCase": runCase,
  "/updateReports": (c) => (report(), goodbye(c)),
};

function report() {
  const counts = {}, groups = new Map();
  let slowest = [];
  cases.forEach((test, i) => {
    const result = results.get(i + 1) || { behavior: "NOT RUN", why: "" };
    counts[result.behavior] = (counts[result.behavior] || 0) + 1;
    if (!groups.has(test.group)) groups.set(test.group, { count: 0, bad: [] });
    const group = groups.get(test.group);
    group.count++;
    if (result.behavior !== OK) group.bad.push(`# ${test.id} ${result.behavior}: ${result.why}`);
    slowest.push([Math.round(result.ms || 0), test.id]);
  });
  for (const [name, { count, bad }] of groups)
    console.log([`${bad.length ? "not ok" : "ok"} ${name}: ${count} cases`, ...bad].join("\n"));
  slowest = slowest.sort((a, b) => b[0] - a[0]).slice(0, 12);
  if (opt.verbose) console.log(`# slowest: ${slowest.map(([ms, id]) => `${id} ${ms} ms`).join(", ")}`);
  console.log(`# ${cases.length} cases: ${Object.entries(counts).map(([k, n]) => `${n} ${k}`).join(", ")}`);
}

// --- the connections ---
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let head = "", c = null;
  socket.on("error", () => socket.destroy());
  socket.on("end", () => c || socket.destroy());
  socket.on("data", (chunk) => {
    if (c) return c.take(chunk);
    head += chunk.toString("latin1");
    if (head.includes("\r\n\r\n")) c = open(socket, head);
  });
});

function agreement(test, offer) {
  for (const ask of test.ask || []) {
    const agreed = agree(offer, ask);
    if (agreed) return agreed;
  }
  return null;
}

function open(socket, head) {
  const [, target] = head.split(" "), key = /^Sec-WebSocket-Key: *(\S+)/im.exec(head);
  const url = new URL(target, "http://localhost"), request = requests[url.pathname];
  if (!key || !request) return socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), null;
  const test = url.pathname === "/runCase" && cases[Number(url.searchParams.get("case")) - 1];
  const agreed = test && agreement(test, offered(head));
  socket.write(answer(key[1], agreed ? agreed.header : ""));
  const c = new Connection(socket);
  if (agreed) c.streams = new Streams(agreed);
  c.reader.deflate = !!agreed;
  request(c, url.searchParams);
  return c;
}

if (opt.list) {
  cases.forEach((test, i) => console.log(`${i + 1} ${test.id} ${test.group}`));
  process.exit(0);
}
listen(server, opt);
