"""What is measured, in rounds, and what it is compared with: the table's rows and its bars.

A group measures once a round; a row then puts two of the series so gained beside each other."""
import os
from collections import defaultdict
from dataclasses import dataclass

import cells
from places import (Glass, Kernel, LossyGlass, LossyKernel, Nginx, Program, Unavailable, cpu_times, do, entered,
                    stolen_since)

IDLE = (1000, 10000, 100000)
SIZES = (10, 1000, 10000, 100000)
LOSS_PERCENT = 1
LOSS_BYTES = 64 << 20
STOLEN_MAX = 0.05  # of the CPUs' time: with more a measurement is made again ...
TRIES = 3  # ... so often
MORE, LESS = "at least", "at most"


@dataclass
class Against:
    """A reference of a row. The ratio is ours / theirs, or theirs / ours for `faster`; `bar` None: for information."""
    label: str
    series: str
    bar: float = None
    sense: str = MORE
    faster: bool = False


@dataclass
class Row:
    title: str
    unit: str
    series: str
    against: tuple = ()
    bar: float = None  # of the figure itself, at most
    note: str = ""


class Group:
    """Rows that are measured together. `series` collects a number a round under each name."""

    name = ""
    rows = ()

    def __init__(self, bench):
        self.bench, self.tools = bench, bench.tools
        self.series = defaultdict(list)
        self.missing = {}  # series or place: why it is not there
        self.places = {}
        self.turns = self.repeated = 0

    def each(self, measure):
        """Calls measure(name, place) for all, in the other order each time: what the machine does meanwhile favours
        nobody. A place that fails is measured no more."""
        self.turns += 1
        names = list(self.places)
        for name in names if self.turns % 2 else names[::-1]:
            try:
                self.unstolen(measure, name)
            except Unavailable as why:
                self.missing[name] = str(why)
                self.bench.remark(f"{self.name}, {name}: {why}")
                self.places.pop(name).end()

    def unstolen(self, measure, name):
        """A host that takes the CPUs away shows as a stall of the stack: then it is measured again."""
        for left in reversed(range(TRIES)):
            before, had = cpu_times(), {key: len(samples) for key, samples in self.series.items()}
            measure(name, self.places[name])
            if left == 0 or stolen_since(before) <= STOLEN_MAX:
                return
            self.repeated += 1
            for key, samples in self.series.items():
                del samples[had.get(key, 0):]

    def place(self, name, make):
        try:
            self.places[name] = make()
        except Unavailable as why:
            self.missing[name] = str(why)

    def glass(self, *arguments):
        return Glass(self.bench.glass, self.bench.www, *arguments)

    def set_up(self):
        """Starts the places."""

    def measure(self):
        """One round."""

    def note(self, name, value):
        self.series[name].append(value)

    def tear_down(self):
        for place in self.places.values():
            place.end()


class Bulk(Group):
    """Download and upload, the contenders one after the other in each round."""

    way = ""

    def set_up(self):
        if self.bench.offload:
            self.place("glass", lambda: self.glass("--offload", "on"))
        else:
            self.missing["glass"] = "this glass has no --offload"
        self.place("limit", lambda: Program(self.tools.limit, "offload"))
        self.place("kernel", lambda: Kernel(self.tools.kernel))
        self.place("glass single", lambda: self.glass(*self.bench.single))
        self.place("limit single", lambda: Program(self.tools.limit))
        self.place("lwip single", lambda: Program(self.tools.lwip))

    def measure(self):
        self.each(self.measure_one)

    def measure_one(self, name, place):
        got = cells.bulk(self.tools, place, self.way, self.bench.seconds(0.8))
        self.note(name, got["gbps"])
        self.note(f"{name} cpu", got["cpu_s_per_gb"])
        if name.startswith("glass"):
            self.bench.waited.append(got["waited"])


class Download(Bulk):
    name, way = "download", "down"
    rows = (
        Row("download, offload", "Gbit/s", "glass",
            (Against("the limit", "limit", 0.9), Against("kernel over veth", "kernel", 1.3))),
        Row("download, single frames", "Gbit/s", "glass single",
            (Against("the limit", "limit single", 0.95), Against("lwIP", "lwip single", 1.4))),
        Row("download, CPU of the stack, offload", "s/GB", "glass cpu",
            (Against("the limit", "limit cpu", 1.2, LESS), Against("kernel over veth", "kernel cpu", None, LESS))),
        Row("download, CPU of the stack, single frames", "s/GB", "glass single cpu",
            (Against("the limit", "limit single cpu", None, LESS), Against("lwIP", "lwip single cpu", None, LESS))),
    )


class Upload(Bulk):
    name, way = "upload", "up"
    rows = (
        Row("upload, offload", "Gbit/s", "glass",
            (Against("the limit", "limit", 0.95), Against("kernel over veth", "kernel"))),
        Row("upload, single frames", "Gbit/s", "glass single",
            (Against("the limit", "limit single", 0.95), Against("lwIP", "lwip single", 3))),
        Row("upload, CPU of the stack, offload", "s/GB", "glass cpu",
            (Against("the limit", "limit cpu", 1.2, LESS), Against("kernel over veth", "kernel cpu", None, LESS))),
        Row("upload, CPU of the stack, single frames", "s/GB", "glass single cpu",
            (Against("the limit", "limit single cpu", None, LESS), Against("lwIP", "lwip single cpu", None, LESS))),
    )


class Latency(Group):
    name = "latency"
    rows = (
        Row("echo of 1 byte, p50, one CPU", "us", "glass p50",
            (Against("lwIP", "lwip p50", 1.0, faster=True),
             Against("kernel over veth", "kernel p50", 1.2, faster=True),
             Against("the limit", "limit p50", faster=True))),
        Row("echo of 1 byte, p99, one CPU", "us", "glass p99",
            (Against("lwIP", "lwip p99", faster=True), Against("kernel over veth", "kernel p99", faster=True))),
    )

    def set_up(self):
        self.place("glass", self.glass)
        self.place("limit", lambda: Program(self.tools.limit))
        self.place("kernel", lambda: Kernel(self.tools.kernel))
        self.place("lwip", lambda: Program(self.tools.lwip))

    def measure(self):
        self.each(self.measure_one)

    def measure_one(self, name, place):
        got = cells.echo(self.tools, place, self.bench.seconds(0.5))
        self.note(f"{name} p50", got["p50_us"])
        self.note(f"{name} p99", got["p99_us"])


class Connections(Group):
    name = "connections"
    rows = (
        Row("short connections, 16 clients", "1/s", "glass 16",
            (Against("kernel over veth", "kernel 16", 1.7), Against("lwIP", "lwip 16"))),
        Row("short connections, 1 client", "1/s", "glass 1",
            (Against("kernel over veth", "kernel 1"), Against("lwIP", "lwip 1"))),
    )

    def set_up(self):
        self.place("glass", self.glass)
        self.place("kernel", lambda: Kernel(self.tools.kernel))
        self.place("lwip", lambda: Program(self.tools.lwip))

    def measure(self):
        self.each(self.measure_one)

    def measure_one(self, name, place):
        for clients in (16, 1):
            got = cells.short(self.tools, place, self.bench.seconds(0.7), clients)
            self.note(f"{name} {clients}", got["rate"])
            if got["errors"]:
                self.bench.remark(f"short connections, {name}: {got['errors']:.0f} failed")


class Http(Group):
    name = "http"
    rows = (Row("keep-alive requests, wrk, 16 connections", "1/s", "glass",
                (Against("nginx on the kernel over veth", "nginx", 1.25),)),
            Row("a file over HTTP", "Gbit/s", "glass file", (Against("nginx on the kernel over veth", "nginx file"),)),
            Row("a file over HTTP, CPU", "s/GB", "glass file cpu",
                (Against("nginx on the kernel over veth", "nginx file cpu", None, LESS),)))

    def set_up(self):
        self.place("glass", self.glass)
        if self.bench.nginx:
            self.place("nginx", lambda: Nginx(self.bench.nginx, self.bench.www, self.bench.tmp))
        else:
            self.missing["nginx"] = "no nginx"

    def measure(self):
        self.each(self.measure_one)

    def measure_one(self, name, place):
        got = cells.http(place, max(1, round(self.bench.seconds(1))))
        self.note(name, got["rate"])
        if got["bad"]:
            self.bench.remark(f"wrk, {name}: {got['bad']}")
        got = cells.bulk(self.tools, place, "file", self.bench.seconds(0.8))
        self.note(f"{name} file", got["gbps"])
        self.note(f"{name} file cpu", got["cpu_s_per_gb"])


class Idle(Group):
    """The same work beside many connections that do nothing."""

    name = "idle"
    rows = tuple(
        Row(f"{what} beside {idle:,} idle connections", unit, f"{key} {idle}",
            (Against("beside none", f"{key} 0", 0.95 if idle == IDLE[-1] and key != "work" else None,
                     sense=LESS if key == "work" else MORE, faster=key == "echo"),))
        for idle in IDLE[1:]
        for what, unit, key in (("echo, p50,", "us", "echo"), ("download", "Gbit/s", "bulk"),
                                ("connections, 16 clients,", "1/s", "short"),
                                ("CPU of the stack for a connection", "us", "work"))
    ) + (Row("memory of an idle connection, process", "bytes", "resident", bar=512,
            note="resident, with the server's part"),)

    def set_up(self):
        self.place("0", self.glass)
        for idle in IDLE:
            self.place(str(idle), lambda idle=idle: self.crowded(idle))

    def crowded(self, idle):
        place = self.glass()
        try:
            sources = range((idle - 1) // 28000 + 1)
            for i in sources:
                do(entered(place.server.pid, ["ip", "addr", "add", f"10.7.0.{101 + i}/24", "dev", "glass0"]))
            before = place.resident()
            place.crowd = self.bench.background(
                entered(place.server.pid, [self.tools.hold, place.addr, idle, "10.7.0.101", 7, 9]), ready="held=")
            place.processes.append(place.crowd)
            if idle == IDLE[-1]:
                self.note("resident", (place.resident() - before) / idle)
            return place
        except Unavailable:
            place.end()
            raise

    def measure(self):
        for _ in range(2):
            self.each(self.measure_one)

    def measure_one(self, name, place):
        self.note(f"bulk {name}", cells.bulk(self.tools, place, "down", self.bench.seconds(0.4))["gbps"])
        self.note(f"echo {name}", cells.echo(self.tools, place, self.bench.seconds(0.25))["p50_us"])
        got = cells.short(self.tools, place, self.bench.seconds(0.35), 16)
        self.note(f"short {name}", got["rate"])
        self.note(f"work {name}", got["cpu_us"])


class Memory(Group):
    name = "memory"
    rows = (
        Row("memory of an idle connection, sizeof", "bytes", "sizeof", bar=512,
            note="at rest, and its socket"),
        Row("memory of a connection that is awake, sizeof", "bytes", "sizeof_connection", note="its socket not counted"),
        Row("memory of an idle connection, stack", "bytes", "stack_idle", bar=512,
            note="with its place in the tables"),
        Row("TIME-WAIT record, sizeof", "bytes", "sizeof_timewait", bar=64),
        Row("TIME-WAIT record, stack", "bytes", "stack_timewait", bar=64, note="with its place in the tables"),
    )

    def measure(self):
        if self.series or self.missing:
            return  # it is always the same
        got = cells.fields(do([self.tools.core, "memory", 28000]))
        got["sizeof"] = got["sizeof_rest"] + got["sizeof_socket"]
        for name, value in got.items():
            self.note(name, value)


class Scale(Group):
    name = "scale"
    rows = tuple(
        Row(f"core: {what}, {SIZES[-1]:,} connections", "ns", f"{key} {SIZES[-1]}",
            (Against(f"{SIZES[0]} connections", f"{key} {SIZES[0]}", None, LESS),))
        for what, key in (("a segment and its answer, 10 talk", "exchange"),
                          ("a segment and its answer, all in turn", "exchange_any"),
                          ("a tick of 1 ms", "tick"), ("set-up of a connection", "setup")))

    def measure(self):
        if self.series:
            return
        for rows in cells.scale(self.tools, self.bench.rounds, SIZES):  # interleaves by itself
            for size, row in rows.items():
                for key in ("exchange", "exchange_any", "tick", "setup"):
                    self.note(f"{key} {size}", row[key])


TITLES = {"data_in": "a full segment in", "ack_out": "an ACK out", "data_out": "a full segment out",
          "ack_in": "an ACK in"}


class Instructions(Group):
    name = "instructions"
    rows = tuple(Row(f"core: instructions, {title}", "", kind,
                     (Against("without the event hook", f"{kind} without", None, LESS),))
                 for kind, title in TITLES.items())

    def measure(self):
        if self.series:
            return  # counted, not measured
        for suffix, core in (("", self.tools.core), (" without", self.bench.core_without_hook)):
            try:
                for kind, count in cells.instructions(core, self.bench.tmp).items():
                    self.note(kind + suffix, count)
            except (Unavailable, OSError) as why:
                self.missing.update({kind + suffix: str(why) for kind in cells.KINDS})


class Loss(Group):
    name = "loss"
    rows = (Row(f"64 MB as the sender through {LOSS_PERCENT} % loss", "Mbit/s", "glass",
                (Against("the kernel's CUBIC", "kernel", 1.0),)),)

    def set_up(self):
        self.place("glass", lambda: LossyGlass(LOSS_PERCENT, self.bench.glass, self.bench.www, *self.bench.single))
        self.place("kernel", lambda: LossyKernel(LOSS_PERCENT, self.tools.kernel))
        kernel = self.places.get("kernel")
        if kernel and kernel.congestion != "cubic":
            self.bench.remark(f"the kernel's sender in the loss row is {kernel.congestion}: there is no cubic")

    def measure(self):
        for _ in range(3):  # chance has a part in it
            self.each(self.measure_one)

    def measure_one(self, name, place):
        what = "file" if name == "glass" else "down"
        self.note(name, cells.bulk(self.tools, place, what, 60, LOSS_BYTES)["gbps"] * 1000)


class Hook(Group):
    """The same stack with and without its event hook, in short turns A B B A."""

    name = "hook"
    rows = (Row("download with the event hook, nobody watching", "Gbit/s", "glass",
                (Against("a build without it", "without", 0.99),)),
            Row("CPU of the stack with the event hook, download", "s/GB", "glass cpu",
                (Against("a build without it", "without cpu", None, LESS),)))

    def set_up(self):
        if not self.bench.glass_without_hook or not os.path.exists(self.bench.glass_without_hook):
            self.missing["glass"] = "GLASS is another build's: there is none of it without the hook"
            return
        self.place("glass", self.glass)
        self.place("without", lambda: Glass(self.bench.glass_without_hook, self.bench.www))

    def measure(self):
        for _ in range(4):
            self.each(self.measure_one)

    def measure_one(self, name, place):
        got = cells.bulk(self.tools, place, "down", self.bench.seconds(0.3))
        self.note(name, got["gbps"])
        self.note(f"{name} cpu", got["cpu_s_per_gb"])


GROUPS = (Download, Upload, Latency, Connections, Http, Loss, Hook, Idle, Memory, Scale, Instructions)
