// What the peers for Node share: arguments, URLs of a workload, the last line. contract.py says
// what the workloads are.
import { performance } from "node:perf_hooks";

const [workload, url, count, flying, ca] = process.argv.slice(2);
const SAMPLE = 16; // the latency of every so many requests is taken

export const run = {
  workload, url, ca, count: Number(count), out: process.env.BENCH_OUT,
  flying: Math.max(1, Math.min(Number(flying), Number(count))),
  ok: 0, bytes: 0, sum: 0, chars: 0, latencies: [], start: performance.now(),
};

export function urlOf(n) {
  if (workload === "hosts") {
    return url.replace("HOST", `127.${1 + Math.floor(n / 62500)}.${Math.floor(n / 250) % 250}.${1 + (n % 250)}`);
  }
  return url;
}

export function took(n, start) {
  if (n % SAMPLE === 0) run.latencies.push(performance.now() - start);
}

export function answer(status, type, bytes) {
  if (status === 200) run.ok++;
  run.chars += (type ?? "").length;
  run.bytes += bytes;
}

// FLYING workers take the numbers in turn; get(n, url) fetches one whole answer.
export async function all(get) {
  let next = 0;
  async function work() {
    while (next < run.count) {
      const n = next++;
      const start = performance.now();
      await get(urlOf(n));
      took(n, start);
    }
  }
  run.start = performance.now();
  await Promise.all(Array.from({ length: run.count ? run.flying : 0 }, work));
}

export function report() {
  const found = { ok: run.ok, bytes: run.bytes, sum: run.sum, wall_s: (performance.now() - run.start) / 1000 };
  const ordered = run.latencies.sort((a, b) => a - b);
  if (ordered.length) {
    found.p50 = ordered[Math.floor(ordered.length / 2)];
    found.p99 = ordered[Math.floor((ordered.length * 99) / 100)];
  }
  console.log(JSON.stringify(found));
}
