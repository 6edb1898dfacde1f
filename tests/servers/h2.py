"""An HTTP/2 server that refuses work, by hand: frames, and no more of HPACK than it needs.

    h2.py SCENE CERT KEY      says "port N", logs each request's method, ends with stdin

    refuse    the first request of all is reset with REFUSED_STREAM, the others are answered
    goaway    a connection's second request meets GOAWAY that names the first as the last one
    cut       a connection's second request meets GOAWAY that counts it in, without an answer
    internal  every request is reset with INTERNAL_ERROR
    ping-flood, settings-flood   a hundred thousand such frames before an answer
    no-streams   the settings allow no stream at all, and each is refused
"""
import socket
import ssl
import struct
import sys
import threading

scene = sys.argv[1]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[2], sys.argv[3])
tls.set_alpn_protocols(["h2"])
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
requests = 0


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def read(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def method(flags, block):
    block = block[5:] if flags & 0x20 else block
    while block[0] & 0xe0 == 0x20:  # a new size of the table
        block = block[1:]
    return {0x82: "GET", 0x83: "POST"}.get(block[0], "OTHER")


def answer(sock, stream):
    sock.sendall(frame(HEADERS, 4, stream, b"\x88") + frame(DATA, 1, stream, b"ok"))


def on_request(sock, stream, nth):
    """False: the connection is over."""
    global requests
    requests += 1
    if scene == "no-streams" or (scene == "refuse" and requests == 1):
        sock.sendall(frame(RESET, 0, stream, struct.pack("!I", 7)))
    elif scene == "internal":
        sock.sendall(frame(RESET, 0, stream, struct.pack("!I", 2)))
    elif scene.endswith("-flood"):
        one = frame(PING, 0, 0, bytes(8)) if scene == "ping-flood" else frame(SETTINGS, 0, 0)
        for _ in range(100):
            sock.sendall(one * 1000)
        answer(sock, stream)
    elif scene in ("goaway", "cut") and nth == 2:
        last = 1 if scene == "goaway" else stream
        sock.sendall(frame(GOAWAY, 0, 0, struct.pack("!II", last, 0)))
        return False
    else:
        answer(sock, stream)
    return True


def serve(raw):
    nth = 0
    try:
        sock = tls.wrap_socket(raw, server_side=True)
        read(sock, 24)
        limit = struct.pack("!HI", 3, 0) if scene == "no-streams" else b""
        sock.sendall(frame(SETTINGS, 0, 0, limit))
        while True:
            head = read(sock, 9)
            kind, flags, stream = struct.unpack("!BBI", head[3:])
            payload = read(sock, int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & 1:
                sock.sendall(frame(SETTINGS, 1, 0))
            if kind == HEADERS:
                nth += 1
                print(method(flags, payload), file=sys.stderr, flush=True)
                if not on_request(sock, stream, nth):
                    break
        sock.unwrap()
    except (OSError, ConnectionError):
        pass
    raw.close()


listener = socket.create_server(("127.0.0.1", 0))
print("port %d" % listener.getsockname()[1], flush=True)


def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
