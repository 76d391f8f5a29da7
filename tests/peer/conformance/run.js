// Runs one case against one connection and judges it.
//
// A case is { id, group, what, send, ok, nonStrict, end, codes, limit }:
//   send(c)     says what is to be said; runs beside the waiting for answers. drive(c): the
//               same, but it looks at the answers itself and throws what is wrong.
//   ok          the events expected, in order; nonStrict: those that will do
//   end         "us": we close with 1000 when the events are there, and the client answers;
//               "them": the client must fail the connection with one of the codes;
//               "said": the case has sent its close frame, the client answers with a code
// The client must not hang up before us where the closing handshake went well (RFC 6455,
// 7.1.1), nor say anything after its close frame, and must hang up when we do.
"use strict";
const { CLOSE } = require("./frames");

const OK = "OK", NON_STRICT = "NON-STRICT", FAILED = "FAILED";
const verdict = (behavior, why = "") => ({ behavior, why });

const same = (a, b) =>
  a.length === b.length && a.every((x, i) => x.type === b[i].type && Buffer.compare(x.data, b[i].data) === 0);
const begins = (want, got) => same(want.slice(0, got.length), got);
const shown = (events) =>
  `[${events.map((e) => `${e.type} ${e.data.length > 40 ? `of ${e.data.length} bytes` : JSON.stringify(e.data.toString("latin1"))}`).join(", ")}]`;

// Collects what the client says until it closes, hangs up, or is silent for too long.
async function listen(c, test, sending) {
  const got = [];
  let weClosed = false;
  for (;;) {
    if (test.end === "us" && !weClosed && same(got, test.ok)) {
      await sending;
      weClosed = true;
      await c.close(1000);
    }
    const event = await c.next(test.limit || 5000);
    if (["close", "end", "timeout", "violation"].includes(event.type)) return { got, weClosed, last: event };
    got.push(event);
    if (![test.ok, test.nonStrict].some((want) => want && begins(want, got))) return { got, weClosed, last: event };
  }
}

function judgeEvents(test, got) {
  if (same(got, test.ok)) return verdict(OK);
  if (test.nonStrict && same(got, test.nonStrict)) return verdict(NON_STRICT, `got ${shown(got)}, better ${shown(test.ok)}`);
  return verdict(FAILED, `got ${shown(got)}, expected ${shown(test.ok)}`);
}

function judgeEnd(test, { weClosed, last }) {
  const codes = test.codes || [1000];
  if (last.type === "violation") return verdict(FAILED, last.data.toString());
  if (last.type === "timeout") return verdict(FAILED, test.end === "them" ? "the connection was not failed" : "no answer in time");
  if (last.type === "end")
    return test.end === "them" ? verdict(NON_STRICT, "hung up without a close frame") : verdict(FAILED, "hung up without a closing handshake");
  if (last.type !== "close") return verdict(OK); // the events are wrong already
  if (test.end === "us" && !weClosed) return verdict(FAILED, `closed with ${last.code} on its own`);
  if (!codes.includes(last.code)) return verdict(FAILED, `closed with ${last.code}, not ${codes.join(" or ")}`);
  return verdict(OK);
}

// We answer a close frame, hang up, and the client follows.
async function hangUp(c, test) {
  if (c.ended) return verdict(NON_STRICT, "hung up before the server did");
  if (test.end === "them") await c.frame(CLOSE, "");
  c.socket.end();
  const event = await c.next(3000);
  if (event.type === "end") return verdict(OK);
  return verdict(FAILED, event.type === "timeout" ? "did not hang up after the server" : event.data.toString());
}

const worse = (a, b) => ([OK, NON_STRICT, FAILED].indexOf(b.behavior) > [OK, NON_STRICT, FAILED].indexOf(a.behavior) ? b : a);

async function run(test, c) {
  let sending;
  try {
    if (test.drive) await test.drive(c);
    sending = test.send ? test.send(c) : Promise.resolve();
    const heard = await listen(c, test, sending);
    let result = worse(judgeEvents(test, heard.got), judgeEnd(test, heard));
    if (heard.last.type === "close") result = worse(result, await hangUp(c, test));
    return result;
  } catch (err) {
    return verdict(FAILED, err.message);
  } finally {
    c.socket.destroy();
    await sending;
  }
}

module.exports = { run, OK, NON_STRICT, FAILED };
