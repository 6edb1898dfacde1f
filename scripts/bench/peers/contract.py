"""What the Python peers share: the arguments, the URLs of a workload, the last line.

    PEER WORKLOAD URL COUNT FLYING [CA]

small, h2: the URL so many times; hosts: HOST in it becomes another loopback address each time;
json: the body is parsed; scrape: PAGE becomes a number, two selectors, a record a page; gather:
all at once; save, stream: one big body to the file BENCH_OUT, or in pieces to nowhere. COUNT 0
only starts up. The last line says what was got: the runner refuses a run that lacks a body.
"""
import json
import os
import sys
import time

SAMPLE = 16  # the latency of every so many requests is taken


class Run:
    def __init__(self):
        self.workload, self.url = sys.argv[1], sys.argv[2]
        self.count, self.flying = int(sys.argv[3]), int(sys.argv[4])
        self.ca = sys.argv[5] if len(sys.argv) > 5 else None
        self.out = os.environ.get("BENCH_OUT")
        self.flying = max(1, min(self.flying, self.count))
        self.ok = self.bytes = self.sum = self.chars = 0
        self.latencies = []
        self.start = time.perf_counter()

    def urls(self):
        """(number, URL) of each request."""
        for n in range(self.count):
            if self.workload == "hosts":
                yield n, self.url.replace("HOST", f"127.{1 + n // 62500}.{n // 250 % 250}.{1 + n % 250}")
            elif self.workload == "scrape":
                yield n, self.url.replace("PAGE", str(1 + n % 10))
            else:
                yield n, self.url

    def took(self, n, start):
        if n % SAMPLE == 0:
            self.latencies.append(time.perf_counter() - start)

    def answer(self, status, content_type, body):
        """One whole answer: what a script would look at."""
        self.ok += status == 200
        self.chars += len(content_type or "")
        self.bytes += len(body)
        if self.workload == "json":
            self.sum += len(json.loads(body)["items"])
        elif self.workload == "scrape":
            self.scrape(body)

    def scrape(self, body):
        from parsel import Selector

        doc = Selector(text=body.decode("utf-8"))
        self.record(doc.css(".quote span.text::text").getall(), doc.css("li.next a::attr(href)").getall())

    def record(self, texts, following):
        sys.stdout.write(json.dumps({"texts": texts, "next": following}) + "\n")

    def report(self):
        found = {"ok": self.ok, "bytes": self.bytes, "sum": self.sum, "wall_s": time.perf_counter() - self.start}
        if self.latencies:
            ordered = sorted(self.latencies)
            found["p50"] = 1000 * ordered[len(ordered) // 2]
            found["p99"] = 1000 * ordered[len(ordered) * 99 // 100]
        print(json.dumps(found))
