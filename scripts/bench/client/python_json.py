"""python_json.py FILE BYTES: what json.lua does, by Python's json module, which is written in C."""
import json
import sys
import time

with open(sys.argv[1], encoding="utf-8", errors="surrogatepass") as file:
    text = file.read()
size = len(text.encode("utf-8", "surrogatepass"))
rounds = int(sys.argv[2]) // size + 1


def timed(fn, value):
    start = time.process_time()
    for _ in range(rounds):
        result = fn(value)
    return time.process_time() - start, result


encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
decode_s, value = timed(json.loads, text)
encode_s, out = timed(encoder.encode, value)
print(json.dumps({
    "decode_s": decode_s,
    "encode_s": encode_s,
    "decoded": rounds * size,
    "encoded": rounds * len(out.encode("utf-8", "surrogatepass")),
}))
