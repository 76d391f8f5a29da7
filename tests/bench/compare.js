// What the benches that set Tidelock beside Node share: rounds in turns, medians, a table.
"use strict";
const os = require("os");

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// The two take turns, and the one that begins changes with each round, so that what else
// the machine does falls on both.
async function inTurns(rounds, measure) {
  const found = { tidelock: [], node: [] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 ? ["node", "tidelock"] : ["tidelock", "node"];
    for (const side of order) found[side].push(await measure(side));
  }
  return found;
}

const number = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 1 ? 1 : 2));
const spread = (values) => `${number(Math.min(...values))}..${number(Math.max(...values))}`;

function row(cells, first = 36) {
  const widths = [first, 10, 18, 10, 18, 8];
  console.log(cells.map((c, i) => (i === 0 ? c.padEnd(widths[0]) : i < 6 ? c.padStart(widths[i]) : `  ${c}`)).join("").trimEnd());
}

function head(rounds, first) {
  console.log(`${os.cpus().length} x ${os.cpus()[0].model.trim()}, Node ${process.version}, medians of ${rounds} rounds`);
  row(["", "tidelock", "", "node", "", "ratio", ""], first);
}

module.exports = { median, inTurns, number, spread, row, head };
