"""A Redis server that one cannot rely on, for jobs.

    redisd.py swallow PORT    passes everything on to the server at PORT; but of each connection,
                              after a few answers, one is lost together with the connection
    redisd.py lie FILE        answers what opens a job as a server would, and then whatever is in
                              FILE at that time
Says "port N", ends with stdin.
"""
import itertools
import os
import socket
import sys
import threading

PASSED = itertools.cycle(range(3, 8))  # the first two belong to the greeting


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass


def swallow(client):
    server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    try:
        for _ in range(next(PASSED)):
            client.sendall(server.recv(1 << 20))
        server.recv(1 << 20)
    except OSError:
        pass
    for sock in client, server:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


def read_command(stream):
    words = int(stream.readline()[1:])
    sizes = (int(stream.readline()[1:]) for _ in range(words))
    return [stream.read(size + 2)[:-2] for size in sizes]


OPENED = b"*1\r\n*4\r\n:0\r\n:1\r\n$32\r\n" + b"i" * 32 + b"\r\n$16\r\n" + b"s" * 16 + b"\r\n"


def answer(words):
    if words[0] == b"SELECT":
        return b"+OK\r\n"
    if words[0] == b"SCRIPT":
        return b"$40\r\n" + b"a" * 40 + b"\r\n"
    if words[9] == b"open":
        return OPENED
    with open(sys.argv[2], "rb") as file:
        return file.read()


def lie(client):
    stream = client.makefile("rb")
    try:
        while True:
            client.sendall(answer(read_command(stream)))
    except (OSError, ValueError):
        client.close()


listener = socket.create_server(("127.0.0.1", 0))
print("port %d" % listener.getsockname()[1], flush=True)


def accept():
    while True:
        client, _ = listener.accept()
        serve = {"swallow": swallow, "lie": lie}[sys.argv[1]]
        threading.Thread(target=serve, args=(client,), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
os._exit(0)
