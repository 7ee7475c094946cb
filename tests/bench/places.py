"""Where something is measured: a network namespace with a server in it, and how to run a client beside it."""
import os
import re
import subprocess
import time

GLASS_QUEUE = 5000  # frames; glass gives its device as many
PATIENCE = 30  # seconds until a server says that it is ready
CLIENT_KNOBS = {"net/ipv4/ip_local_port_range": "1024 65535",  # of those who come and go by the thousand
                "net/ipv4/tcp_max_tw_buckets": "256",
                "net/ipv4/tcp_no_metrics_save": "1",  # each connection starts knowing nothing
                "net/ipv6/conf/all/disable_ipv6": "1"}


class Unavailable(Exception):
    """Why something cannot be measured here."""


def cpus():
    """The stack's, and its client's: two of those we may use, or twice the only one."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[1 if len(mine) > 1 else 0]


def cpu_times():
    """What /proc/stat says of all CPUs; the last is what the host took for others."""
    with open("/proc/stat", encoding="ascii") as file:
        return [int(word) for word in file.readline().split()[1:9]]


def stolen_since(before):
    """The share of all CPU time since then that the host took."""
    passed = [b - a for a, b in zip(before, cpu_times())]
    return passed[7] / max(1, sum(passed))


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu), *map(str, command)]


def entered(pid, command):
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--", *map(str, command)]


def do(command, patience=PATIENCE):
    """Its output; what it says when it fails is the exception."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired as late:
        raise Unavailable(f"{command[0]}: not done after {patience} s") from late
    if done.returncode != 0:
        raise Unavailable(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


class Process:
    """One of ours, ended by its number. Ready when its first line has that word."""

    def __init__(self, command, ready=None):
        self.command = list(map(str, command))
        self.first_line = ""
        try:
            self.popen = subprocess.Popen(self.command, stdin=subprocess.PIPE, text=True, stderr=subprocess.STDOUT,
                                          stdout=subprocess.PIPE if ready else subprocess.DEVNULL)
        except OSError as error:
            raise Unavailable(f"{command[0]}: {error.strerror}") from error
        self.pid = self.popen.pid
        if ready:
            self.first_line = self.popen.stdout.readline()
            if ready not in self.first_line:
                self.end()
                raise Unavailable(self.first_line.strip() or f"{command[0]} ended without a word")

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if self.popen.poll() is not None or time.monotonic() > end:
                self.end()
                raise Unavailable(f"{what} does not start: {' '.join(self.command)}")
            time.sleep(0.02)

    def end(self, patience=5):
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            self.popen.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.communicate()


class Namespace(Process):
    """An empty network namespace; lives as long as this process."""

    def __init__(self):
        super().__init__(["unshare", "--net", "--", "sh", "-c", "ip link set lo up; echo ready; exec cat"], "ready")
        set_knobs(self.pid, CLIENT_KNOBS)


def set_knobs(pid, knobs):
    """What may not be set stays as it is."""
    for name, value in knobs.items():
        subprocess.run(entered(pid, ["sh", "-c", f"echo '{value}' > /proc/sys/{name}"]), stderr=subprocess.DEVNULL,
                       check=False)


def join(left, left_addr, right, right_addr, offload=True):
    """A veth pair between two namespaces, given by process; /24 each."""
    ends = (left, f"v{right.pid}", left_addr), (right, f"v{left.pid}", right_addr)
    do(["ip", "link", "add", ends[0][1], "netns", left.pid, "type", "veth",
        "peer", "name", ends[1][1], "netns", right.pid])
    for place, name, addr in ends:
        do(entered(place.pid, ["ip", "addr", "add", f"{addr}/24", "dev", name]))
        do(entered(place.pid, ["ip", "link", "set", name, "up"]))
        if not offload:
            do(entered(place.pid, ["ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off"]))


class Place:
    """A server and the clients beside it. `inside` is a process in the clients' namespace, `server` the one whose CPU
    time counts."""

    addr = "10.7.0.2"

    def __init__(self):
        self.processes = []

    def start(self, process):
        self.processes.append(process)
        return process

    def client(self, *command, cpu=None, patience=120):
        """Output of a client beside the server."""
        cpu = cpus()[1] if cpu is None else cpu
        return do(entered(self.inside.pid, pinned(cpu, command)), patience)

    def spent(self):
        """Seconds that the server has had a CPU, and has waited for one, all threads."""
        sums = [0, 0]
        folder = f"/proc/{self.server.pid}/task"
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/schedstat", encoding="ascii") as file:
                for i, word in enumerate(file.read().split()[:2]):
                    sums[i] += int(word) / 1e9
        return sums

    def resident(self):
        """Bytes of anonymous memory of the server."""
        with open(f"/proc/{self.server.pid}/status", encoding="ascii") as file:
            return int(re.search(r"RssAnon:\s+(\d+) kB", file.read())[1]) * 1024

    def end(self):
        for process in reversed(self.processes):
            process.end()


class Glass(Place):
    """`glass up` with these arguments."""

    count = 0

    def __init__(self, glass, www, *arguments):
        super().__init__()
        Glass.count += 1
        name = f"bench{os.getpid()}-{Glass.count}"
        command = [glass, "up", "--name", name, "--www", www, *arguments]
        self.server = self.start(Process(pinned(cpus()[0], command)))  # its log of requests goes nowhere
        asks = [glass, "netstat", "--name", name]
        self.server.wait_until(lambda: subprocess.run(asks, capture_output=True, check=False).returncode == 0,
                               "glass up")
        self.inside = self.server
        set_knobs(self.server.pid, CLIENT_KNOBS)


class Program(Place):
    """A reference that makes its own device in a namespace of its own: limit, lwip."""

    def __init__(self, *command):
        super().__init__()
        self.server = self.inside = self.start(
            Process(["unshare", "--net", "--", *pinned(cpus()[0], command)], ready="ready"))
        do(entered(self.server.pid, ["ip", "link", "set", "bench0", "txqueuelen", GLASS_QUEUE]))
        set_knobs(self.server.pid, CLIENT_KNOBS)


class Kernel(Place):
    """The kernel's TCP at the other end of a veth pair."""

    def __init__(self, program):
        super().__init__()
        self.inside, there = self.start(Namespace()), self.start(Namespace())
        join(self.inside, "10.7.0.1", there, self.addr)
        self.server = self.start(Process(entered(there.pid, pinned(cpus()[0], [program, self.addr])), ready="ready"))
        self.congestion = self.server.first_line.split()[1]


class Nginx(Place):
    """nginx, one process, serving the same folder; tuned as its documentation says for small files."""

    config = """user root root; daemon off; master_process off; worker_processes 1; pid {tmp}/nginx.pid;
        error_log {tmp}/nginx.log crit; events {{ worker_connections 4096; }}
        http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000;
               open_file_cache max=16; open_file_cache_valid 600s; types {{ text/html html; }}
               client_body_temp_path {tmp}/n1; proxy_temp_path {tmp}/n2; fastcgi_temp_path {tmp}/n3;
               uwsgi_temp_path {tmp}/n4; scgi_temp_path {tmp}/n5;
               server {{ listen {addr}:80 backlog=4096; root {www}; }} }}"""

    def __init__(self, nginx, www, tmp):
        super().__init__()
        self.inside, there = self.start(Namespace()), self.start(Namespace())
        join(self.inside, "10.7.0.1", there, self.addr)
        path = os.path.join(tmp, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.config.format(tmp=tmp, www=www, addr=self.addr))
        command = [nginx, "-p", tmp, "-e", os.path.join(tmp, "nginx.log"), "-c", path]
        self.server = self.start(Process(entered(there.pid, pinned(cpus()[0], command))))
        self.server.wait_until(lambda: ":80 " in do(entered(there.pid, ["ss", "-ltn"])), "nginx")


def make_lossy(middle, percent):
    """That namespace forwards, and loses one datagram of a hundred each way."""
    set_knobs(middle.pid, {"net/ipv4/ip_forward": "1"})
    for words in (["add", "table", "ip", "loss"],
                  ["add", "chain", "ip", "loss", "path", "{ type filter hook forward priority 0; }"],
                  ["add", "rule", "ip", "loss", "path", "numgen", "random", "mod", str(round(100 / percent)), "<", "1",
                   "drop"]):
        do(entered(middle.pid, ["nft", *words]))


def beyond(middle):
    """A client's namespace that reaches the server through `middle`."""
    client = Namespace()
    join(client, "10.8.0.1", middle, "10.8.0.2", offload=False)
    do(entered(client.pid, ["ip", "route", "add", "10.7.0.0/24", "via", "10.8.0.2"]))
    return client


class LossyGlass(Glass):
    """Its client is one namespace further, and the one between loses datagrams."""

    def __init__(self, percent, *arguments):
        super().__init__(*arguments)
        self.inside = self.start(beyond(self.server))
        make_lossy(self.server, percent)


class LossyKernel(Place):
    """The kernel's TCP in the same place."""

    def __init__(self, percent, program):
        super().__init__()
        middle, there = self.start(Namespace()), self.start(Namespace())
        join(middle, "10.7.0.1", there, self.addr, offload=False)
        do(entered(there.pid, ["ip", "route", "add", "default", "via", "10.7.0.1"]))
        self.inside = self.start(beyond(middle))
        make_lossy(middle, percent)
        self.server = self.start(Process(entered(there.pid, pinned(cpus()[0], [program, self.addr])), ready="ready"))
        self.congestion = self.server.first_line.split()[1]
