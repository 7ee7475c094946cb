"""One measurement each: what a client beside a place saw, as numbers by name."""
import os
import re

from places import cpus, do


class Tools:
    """The programs in BUILD/tests/bench."""

    def __init__(self, build):
        self.folder = os.path.join(build, "tests/bench")

    def __getattr__(self, name):
        return os.path.join(self.folder, name)


def fields(line):
    """name=number words."""
    return {name: float(value) for name, value in re.findall(r"(\w+)=([-\d.e+]+)", line)}


ECHO = 7
BULK = {"down": ("down", 19), "up": ("up", 9), "file": ("down", 80)}  # which way, and from whom: chargen, discard, HTTP


def bulk(tools, place, what, seconds, most="1e15"):
    """Gbit/s of payload, and CPU seconds of the server for 10^9 bytes."""
    ran, waited = place.spent()
    way, port = BULK[what]
    path = ["/large"] if what == "file" else []
    got = fields(place.client(tools.bulk, way, place.addr, port, seconds, most, *path))
    now_ran, now_waited = place.spent()
    return {"gbps": got["bytes"] * 8e-9 / got["seconds"], "cpu_s_per_gb": (now_ran - ran) / got["bytes"] * 1e9,
            "waited": (now_waited - waited) / got["seconds"], "seconds": got["seconds"]}


def echo(tools, place, seconds):
    """Client and server on one CPU: microseconds."""
    return fields(place.client(tools.echo1, place.addr, ECHO, seconds, cpu=cpus()[0]))


def short(tools, place, seconds, clients):
    """Connections a second, and CPU microseconds of the server for each."""
    ran = place.spent()[0]
    got = fields(place.client(tools.short, place.addr, ECHO, seconds, clients))
    ran = place.spent()[0] - ran
    return {"rate": got["done"] / got["seconds"], "errors": got["errors"], "cpu_us": ran / max(1, got["done"]) * 1e6}


def http(place, seconds, clients=16):
    """Keep-alive requests a second, by wrk."""
    out = place.client("wrk", "-t1", f"-c{clients}", f"-d{seconds:g}s", f"http://{place.addr}/small.html")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    bad = re.search(r"(Non-2xx[^\n]*|Socket errors[^\n]*)", out)
    return {"rate": float(rate[1]) if rate else 0, "bad": bad[1] if bad else ""}


def scale(tools, rounds, sizes):
    """Nanoseconds of each kind of work, by size: a list of rounds."""
    out = do(["taskset", "-c", cpus()[0], tools.core, "scale", rounds, *sizes], patience=300)
    rows = [fields(line) for line in out.splitlines()]
    return [{int(row["size"]): row for row in rows[i:i + len(sizes)]} for i in range(0, len(rows), len(sizes))]


KINDS = ("data_in", "ack_out", "data_out", "ack_in")


def instructions(core, tmp):
    """Instructions of one segment, by kind: callgrind counts inside the functions measured_KIND."""
    result = {}
    for kind in KINDS:
        report = os.path.join(tmp, f"callgrind.{kind}")
        out = do(["valgrind", "--tool=callgrind", f"--callgrind-out-file={report}",
                  f"--toggle-collect=measured_{kind}", core, "segments"], patience=300)
        with open(report, encoding="ascii", errors="replace") as file:
            total = int(re.search(r"^totals: (\d+)", file.read(), re.M)[1])
        result[kind] = total / fields(out)[kind]
    return result
