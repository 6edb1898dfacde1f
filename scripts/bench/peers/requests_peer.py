"""Requests: a Session in each thread of a pool, its connections kept (Advanced Usage)."""
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from contract import Run

run = Run()
lock = threading.Lock()
local = threading.local()


def session():
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
        if run.ca:
            local.session.verify = run.ca
    return local.session


def get(item):
    n, url = item
    start = time.perf_counter()
    res = session().get(url, timeout=30)
    body = res.content
    with lock:
        run.answer(res.status_code, res.headers.get("Content-Type"), body)
        run.took(n, start)


def download():
    with session().get(run.url, stream=True, timeout=30) as res:
        run.ok += res.status_code == 200
        if run.workload == "stream":
            for chunk in res.iter_content(65536):
                run.bytes += len(chunk)
        else:
            with open(run.out, "wb") as file:
                for chunk in res.iter_content(65536):
                    run.bytes += file.write(chunk)


run.start = time.perf_counter()
if run.workload in ("save", "stream"):
    download()
elif run.count:
    with ThreadPoolExecutor(run.flying) as pool:
        for _ in pool.map(get, run.urls()):
            pass
run.report()
