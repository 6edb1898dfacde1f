"""A name server for tests, over UDP: what a name stands for is in the name.

    dns.py      says "port N", ends with stdin

    silent.test        no answer ever
    slow.test          127.0.0.1 after 0.3 s
    both.test          127.0.0.1 and ::1
    rebind.test        1.2.3.4 to the first query for an A, 127.0.0.1 to all others
    inside-A-B-C-D.test   the address A.B.C.D
    NAME.test          127.0.0.1
    anything else      there is no such name
"""
import os
import socket
import struct
import sys
import threading
import time

asked = {}


def address(name):
    asked[name] = asked.get(name, 0) + 1
    if name == "rebind.test":
        return "1.2.3.4" if asked[name] == 1 else "127.0.0.1"
    if name.startswith("inside-"):
        return name[7:-5].replace("-", ".")
    return "127.0.0.1"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(data)) + data


def answer(sock, query, peer):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin1"))
        at += query[at] + 1
    kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
    name = ".".join(labels).lower()
    if name == "silent.test":
        return
    if name == "slow.test":
        time.sleep(0.3)
    known = name.endswith(".test")
    records = []
    if known and kind == 1:
        records.append(record(1, socket.inet_aton(address(name))))
    if name == "both.test" and kind == 28:
        records.append(record(28, socket.inet_pton(socket.AF_INET6, "::1")))
    flags = 0x8180 if known else 0x8183
    head = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
    sock.sendto(head + query[12 : at + 5] + b"".join(records), peer)


sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 0))
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print("port %d" % sock.getsockname()[1], flush=True)
while True:
    data, source = sock.recvfrom(4096)
    threading.Thread(target=answer, args=(sock, data, source), daemon=True).start()
