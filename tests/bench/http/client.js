// N GETs, WIDTH in flight, by fetch or by undici's request: run by tests/bench/http/run.
"use strict";
const { URL: url, N, WIDTH, BY } = process.env;
let left = Number(N);

const get = {
  fetch: async () => (await fetch(url)).text(),
  async undici() {
    const { request } = require(process.env.UNDICI);
    return (await request(url)).body.text();
  },
}[BY];

async function worker() {
  while (left-- > 0) if ((await get()).length !== 134) process.exit(1);
}

Promise.all(Array.from({ length: Number(WIDTH) }, worker)).then(() => process.exit(0));
