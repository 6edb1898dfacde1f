"""PycURL: CurlMulti by socket_action, as its multi-socket examples do it; handles reused."""
import select
import time
from io import BytesIO

import pycurl
from contract import Run

run = Run()
poller = select.epoll()
deadline = None
known = set()


def on_socket(event, fd, _multi, _data):
    if event == pycurl.POLL_REMOVE:
        if fd in known:
            known.discard(fd)
            try:
                poller.unregister(fd)
            except OSError:
                pass
        return
    mask = 0
    if event in (pycurl.POLL_IN, pycurl.POLL_INOUT):
        mask |= select.EPOLLIN
    if event in (pycurl.POLL_OUT, pycurl.POLL_INOUT):
        mask |= select.EPOLLOUT
    if fd in known:
        poller.modify(fd, mask)
    else:
        known.add(fd)
        poller.register(fd, mask)


def on_timer(ms):
    global deadline
    deadline = None if ms < 0 else time.monotonic() + ms / 1000


def handle():
    c = pycurl.Curl()
    c.setopt(pycurl.NOSIGNAL, 1)
    c.setopt(pycurl.PROXY, "")
    c.setopt(pycurl.TIMEOUT, 30)
    c.headers = {}
    c.setopt(pycurl.HEADERFUNCTION, lambda line: header(c, line))
    if run.ca:
        c.setopt(pycurl.CAINFO, run.ca)
        c.unsetopt(pycurl.CAPATH)  # else a store is built anew for every connection
    if run.workload == "json":
        c.setopt(pycurl.ACCEPT_ENCODING, "gzip")
    if run.workload == "h2":
        c.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        c.setopt(pycurl.PIPEWAIT, 1)
    return c


def header(c, line):
    name, colon, value = line.decode("iso-8859-1").partition(":")
    if colon:
        c.headers[name.strip().lower()] = value.strip()


def submit(multi, c, urls):
    item = next(urls, None)
    if not item:
        return False
    c.n, url = item
    c.headers.clear()
    c.body = BytesIO()
    c.setopt(pycurl.URL, url)
    c.setopt(pycurl.WRITEDATA, c.body)
    c.began = time.perf_counter()
    multi.add_handle(c)
    return True


def collect(multi, urls):
    """Takes what is done; gives how many ended without a successor."""
    ended = 0
    while True:
        queued, good, bad = multi.info_read()
        for c in good:
            multi.remove_handle(c)
            run.answer(c.getinfo(pycurl.RESPONSE_CODE), c.headers.get("content-type"), c.body.getvalue())
            run.took(c.n, c.began)
            ended += not submit(multi, c, urls)
        for c, _code, _text in bad:
            multi.remove_handle(c)
            ended += not submit(multi, c, urls)
        if not queued:
            return ended


def fetch_all():
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_SOCKETFUNCTION, on_socket)
    multi.setopt(pycurl.M_TIMERFUNCTION, on_timer)
    multi.setopt(pycurl.M_MAXCONNECTS, run.flying)
    urls = iter(run.urls())
    handles = [handle() for _ in range(run.flying)]
    active = sum(submit(multi, c, urls) for c in handles)
    while active:
        wait = 1 if deadline is None else max(0, deadline - time.monotonic())
        events = poller.poll(wait)
        for fd, mask in events:
            bits = (pycurl.CSELECT_IN if mask & ~select.EPOLLOUT else 0) | (
                pycurl.CSELECT_OUT if mask & select.EPOLLOUT else 0)
            multi.socket_action(fd, bits)
        if deadline is not None and deadline <= time.monotonic():
            multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        active -= collect(multi, urls)


def download():
    c = handle()
    c.setopt(pycurl.TIMEOUT, 0)
    c.setopt(pycurl.URL, run.url)
    if run.workload == "stream":
        def count(data):
            run.bytes += len(data)
        c.setopt(pycurl.WRITEFUNCTION, count)
        c.perform()
    else:
        with open(run.out, "wb") as file:
            c.setopt(pycurl.WRITEDATA, file)
            c.perform()
            run.bytes = file.tell()
    run.ok += c.getinfo(pycurl.RESPONSE_CODE) == 200


run.start = time.perf_counter()
if run.workload in ("save", "stream"):
    download()
elif run.count:
    fetch_all()
run.report()
