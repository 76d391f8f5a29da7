// The reference client's side of the benches; client.lua is ours. Told by the environment:
// BENCH (what to measure), BENCH_N (how often), BENCH_SHAPE
// (of the events), WS_URL. What is measured inside prints
// `result NUMBER`; for what is measured from outside, `first` or `ready` says when.
"use strict";
const MODE = process.env.BENCH;
const N = Number(process.env.BENCH_N || 1);
const SHAPE = process.env.BENCH_SHAPE || "message";
const URL = process.env.WS_URL;

const say = (line) => process.stdout.write(line + "\n");
const seconds = () => Number(process.hrtime.bigint()) / 1e9;
const result = (number) => {
  say(`result ${number}`);
  process.exit(0);
};
const connect = () => require("../peer/node_modules/socket.io-client").io(URL, {
  transports: ["websocket"],
  forceNew: true,
});

const modes = {
  // From the start of the process to the first event: measured outside.
  start() {
    connect().on("hello", () => {
      say("first");
      process.exit(0);
    });
  },
  // Memory with N idle connections: measured outside, until standard input closes.
  idle() {
    let open = 0;
    for (let i = 0; i < N; i++) connect().on("hello", () => ++open === N && say("ready"));
  },
  // Events a second through one handler that reads a field; a tenth more first, to warm up.
  events() {
    const socket = connect();
    let seen = 0;
    let from;
    socket.on("tick", (message) => (seen += message.id ? 1 : 0));
    socket.on("hello", () => socket.emit("flood", N / 10, SHAPE));
    socket.on("flooded", (n) => {
      if (from === undefined) {
        from = seconds();
        seen = 0;
        return socket.emit("flood", N, SHAPE);
      }
      const took = seconds() - from;
      if (seen !== n) throw new Error("events were lost");
      result(N / took);
    });
  },
  // Sequential round trips by ack: microseconds each.
  acks() {
    const socket = connect();
    let left = N + N / 10;
    let from;
    const next = () => {
      if (left === N) from = seconds();
      if (left-- === 0) return result(((seconds() - from) / N) * 1e6);
      socket.emit("ping", 1, next);
    };
    socket.on("hello", next);
  },
  // Timers made, fired and gone a second: N at once, five times.
  timers() {
    let rounds = 5;
    const from = seconds();
    const round = () => {
      let left = N;
      const fired = () => {
        if (--left > 0) return;
        if (--rounds > 0) return round();
        result((5 * N) / (seconds() - from));
      };
      for (let i = 0; i < N; i++) setTimeout(fired, 1);
    };
    round();
  },
};

modes[MODE]();
