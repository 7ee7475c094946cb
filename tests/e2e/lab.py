"""What the end-to-end tests share: a running stack with its laboratory, and programs beside it.

Nothing here sleeps to let something happen: it waits for a line, an exit or a condition, each with a deadline.
Every process a test starts is remembered and ended by its process id, also when the test fails.
"""
import atexit
import contextlib
import hashlib
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GLASS = os.path.abspath(os.environ.get("GLASS", os.path.join(TOP, "build/glass")))
SCALE = float(os.environ.get("E2E_SCALE", "1"))
STACK = "10.7.0.2"
KERNEL = "10.7.0.1"
CALM_STACK = ("--tcp", "tlp=off,rto-min=2s")  # the stack's half of calm_kernel
PATIENCE = 30  # seconds until something that should happen at once counts as not happening
LONG = 120  # the same for bulk transfers

# Tests end programs with Ctrl-C. Whoever started us in the background may have had SIGINT ignored, which they inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

_started, _places = [], []
_numbers = itertools.count(1)


def _end_all():
    for process in _started:
        if process.poll() is None:
            process.kill()
            process.wait()
    for place in _places:
        place.remove()


def _interrupted(*_):
    raise KeyboardInterrupt  # unittest lets it through, and then comes _end_all


atexit.register(_end_all)
signal.signal(signal.SIGTERM, _interrupted)


def start(command, **options):
    process = subprocess.Popen([str(word) for word in command], **options)
    _started.append(process)
    return process


def scaled(size):
    return max(1, int(size * SCALE))


def wait_until(condition, what, patience=PATIENCE):
    """Asks again and again until condition() is true; its value."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience} s still not: {what}")
        time.sleep(0.01)


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_file(path, size, seed=1):
    """Bytes that never repeat, the same for the same seed; their sha256."""
    numbers, digest = random.Random(seed), hashlib.sha256()
    with open(path, "wb") as file:
        while size > 0:
            block = numbers.randbytes(min(size, 1 << 20))
            file.write(block)
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()


class Done:
    """How a program ended: code, out, err (text), out_bytes."""

    def __init__(self, code, out, err):
        self.code, self.out_bytes = code, out
        self.out = out.decode(errors="replace")
        self.err = err.decode(errors="replace")

    def __str__(self):
        return f"exit status {self.code}\n--- output\n{self.out[-4000:]}\n--- errors\n{self.err[-4000:]}"


def finish(process, data=None, patience=PATIENCE):
    """Waits for a program; one that does not end is a failure that shows what it said."""
    try:
        out, err = process.communicate(data, timeout=patience)
        return Done(process.returncode, out or b"", err or b"")
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args} did not end within {patience} s\n"
                             f"{Done(process.returncode, out or b'', err or b'')}") from None


def run(command, data=None, patience=PATIENCE, env=None, cwd=None):
    process = start(command, stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=cwd)
    return finish(process, data, patience)


class Output:
    """The lines of a process, as they come."""

    def __init__(self, stream):
        self.lines, self.ended, self.news = [], False, threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self.news:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))
                    self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_for(self, pattern, patience=PATIENCE, count=1):
        """The lines that match, as soon as there are count of them."""
        with self.news:
            found = []

            def enough():
                found[:] = [line for line in self.lines if re.search(pattern, line)]
                return len(found) >= count or self.ended

            self.news.wait_for(enough, patience)
            if len(found) < count:
                state = "ended" if self.ended else "running"
                raise AssertionError(f"no line like {pattern!r} ({state}):\n{self.tail()}")
            return found

    def tail(self, count=60):
        return "\n".join(self.lines[-count:])


class Place:
    """A private directory with its own XDG_RUNTIME_DIR: stacks in it meet no other stack."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="glass-e2e-")
        _places.append(self)
        self.runtime = self.file("run")
        os.mkdir(self.runtime, 0o700)
        self.env = {**os.environ, "XDG_RUNTIME_DIR": self.runtime, "LC_ALL": "C", "TZ": "UTC",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"}
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            self.env.pop(name, None)

    def file(self, name):
        return os.path.join(self.path, name)

    def glass(self, *arguments, **options):
        return run([GLASS, *arguments], env=self.env, cwd=self.path, **options)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Lab:
    """`glass up` in its laboratory. Use as a context manager; leaving it stops the stack with Ctrl-C, and that
    must end with exit status 0 and leave nothing behind."""

    def __init__(self, *arguments, capture=False, place=None, wrap=(), prefix=()):
        self.own_place = place is None
        self.place = place or Place()
        self.name = f"t{os.getpid()}-{next(_numbers)}"
        self.capture = self.place.file(self.name + ".pcap") if capture else None
        if capture:
            arguments = (*arguments, "--pcap", self.capture)
        self.command = [*wrap, GLASS, "up", "--name", self.name, *arguments]
        self.prefix = list(prefix)  # for programs beside the stack, instead of glass exec
        self.process = self.output = None
        self.programs = []

    def __enter__(self):
        self.process = start(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, env=self.place.env, cwd=self.place.path)
        self.output = Output(self.process.stdout)
        try:
            self.ready = self.output.wait_for(r"^glass: \S+ is up on ")[0]
        except BaseException:
            self.abandon()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
        finally:
            self.abandon()

    def abandon(self):
        """Ends everything that still runs, whatever state it is in."""
        for process in [*self.programs, self.process]:
            if process and process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr) if process in self.programs else ():
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
        if self.output:
            self.output.thread.join(PATIENCE)
        if self.own_place:
            self.place.remove()

    def stop(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.assert_ended(0)

    def assert_ended(self, code):
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the stack does not end:\n{self.output.tail()}") from None
        self.output.thread.join(PATIENCE)
        if self.process.returncode != code:
            raise AssertionError(f"the stack ended with {self.process.returncode}:\n{self.output.tail()}")
        left = [name for name in os.listdir(self.place.runtime) if self.name in name and name.endswith(".sock")]
        if left:
            raise AssertionError(f"left behind: {left}")

    def alive(self):
        return self.process.poll() is None

    # --- programs beside the stack ---

    def beside(self, command):
        return [*(self.prefix or [GLASS, "exec", "--name", self.name, "--"]), *command]

    def start(self, *command, **options):
        """A program beside the stack that goes on running; standard input, output and errors are pipes."""
        settings = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = start(self.beside(command), env=self.place.env, cwd=self.place.path, **settings)
        self.programs.append(process)
        return process

    def exec(self, *command, data=None, patience=PATIENCE):
        """Runs a program beside the stack to its end."""
        return run(self.beside(command), data, patience, self.place.env, self.place.path)

    def client(self, name, *arguments, data=None, patience=PATIENCE):
        """Runs clients/name.py beside the stack."""
        return self.exec(*client(name), *arguments, data=data, patience=patience)

    def start_client(self, name, *arguments, **options):
        return self.start(*client(name), *arguments, **options)

    def calm_kernel(self):
        """On a busy machine either end may have to wait for the processor. The kernel takes 8 ms of that for a loss;
        here it waits for 2 s, so that a retransmission in a capture means that something is wrong with the stack."""
        route = f"10.7.0.0/24 dev glass0 proto kernel scope link src {KERNEL} rto_min 2s"
        done = self.exec("ip", "route", "change", *route.split())
        if done.code != 0:
            raise AssertionError(f"ip route change: {done}")
        # Read-only in some containers; then a busy machine may fail a test, and never a wrong stack pass it.
        self.exec("sh", "-c", "echo 0 >/proc/sys/net/ipv4/tcp_early_retrans")

    # --- programs on the stack ---

    def glass(self, command, *arguments, data=None, patience=PATIENCE):
        return self.place.glass(command, "--name", self.name, *arguments, data=data, patience=patience)

    def start_glass(self, command, *arguments, **options):
        settings = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = start([GLASS, command, "--name", self.name, *arguments], env=self.place.env,
                        cwd=self.place.path, **settings)
        self.programs.append(process)
        return process

    def curl(self, *arguments, patience=PATIENCE):
        return self.exec("curl", "-sS", "--max-time", patience, *arguments, patience=patience + 5)

    # --- tables ---

    def netstat(self):
        """The rows of glass netstat -ano."""
        done = self.glass("netstat", "-ano")
        if done.code != 0:
            raise AssertionError(f"glass netstat: {done}")
        return [Row(line) for line in done.out.splitlines()[1:]]

    def counters(self, *options):
        """glass netstat -s: {section: {text: number}}."""
        done = self.glass("netstat", "-s", *options)
        if done.code != 0:
            raise AssertionError(f"glass netstat -s: {done}")
        sections, section = {}, None
        for line in done.out.splitlines():
            if not line.startswith(" "):
                section = sections.setdefault(line.rstrip(":"), {})
                continue
            number, _, text = line.strip().partition(" ")
            section[text] = int(number)
        return sections

    def connections(self, local_port=None, remote_port=None):
        return [row for row in self.netstat() if row.proto == "tcp" and row.remote != "*:*"
                and local_port in (None, row.local_port) and remote_port in (None, row.remote_port)]

    def wait_for_connection(self, state, **which):
        """The first connection in that state."""
        return wait_until(lambda: next((row for row in self.connections(**which) if row.state == state), None),
                          f"a connection {which} in {state}")

    def wait_for_none(self, **which):
        wait_until(lambda: not [row for row in self.connections(**which) if row.state != "TIME-WAIT"],
                   f"no connection {which} but TIME-WAIT")


class Peer:
    """A kernel socket beside the stack, told what to do: peer("connect", STACK, 7). See clients/peer.py."""

    def __init__(self, lab):
        self.process = lab.start_client("peer", stderr=subprocess.STDOUT)
        self.output = Output(self.process.stdout)
        self.asked = 0

    def tell(self, *words):
        """Says it without waiting for the answer."""
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()
        self.asked += 1

    def answer(self, patience=PATIENCE):
        """The answer to what was said last: 'ok ...' or 'error ENAME'."""
        return self.output.wait_for("", patience, self.asked)[self.asked - 1].strip()

    def __call__(self, *words, patience=PATIENCE):
        """What comes after 'ok'; an error is a failure."""
        self.tell(*words)
        answer = self.answer(patience)
        if not answer.startswith("ok"):
            raise AssertionError(f"peer: {' '.join(map(str, words))}: {answer}")
        return answer[3:]

    def kill(self):
        """SIGKILL: the kernel closes its sockets for it."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def leave(self):
        """The end of its input ends it."""
        self.process.stdin.close()
        self.process.wait(PATIENCE)


class Row:
    """One line of glass netstat -ano."""

    def __init__(self, line):
        self.line = line
        match = re.fullmatch(r"(\S+) +(\d+) +(\d+) (\S+) +(\S+) +([A-Z][A-Z0-9-]*)? *(-|\d+/.*?) +(\w+ \(.*\))", line)
        if not match:
            raise AssertionError(f"glass netstat: not a row: {line!r}")
        self.proto, receive, send, self.local, self.remote, self.state, owner, self.timer = match.groups()
        self.receive, self.send = int(receive), int(send)
        self.local_port, self.remote_port = self._port(self.local), self._port(self.remote)
        self.pid = int(owner.split("/")[0]) if owner != "-" else None
        self.program = owner.partition("/")[2]

    @staticmethod
    def _port(endpoint):
        port = endpoint.rpartition(":")[2]
        return int(port) if port.isdigit() else None

    def __repr__(self):
        return self.line


def client(name):
    return [sys.executable, os.path.join(HERE, "clients", name + ".py")]


def dead_stack(test):
    """A place, and in it what a stack leaves that was killed."""
    place = Place()
    test.addCleanup(place.remove)
    dead = Lab(place=place)
    test.addCleanup(dead.abandon)
    dead.__enter__()
    dead.process.kill()
    dead.process.wait()
    return place, dead


class Test(unittest.TestCase):
    """One laboratory for all tests of a class, made with lab_arguments; stopped, and its capture read, at the end."""

    lab_arguments = ()
    lab_capture = False  # True: tshark finds nothing wrong in it
    lab_clean = False  # True: nor anything that a clean link should not show
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)
        cls.arrange()
        calm = CALM_STACK if cls.lab_clean else ()
        cls.lab = Lab(*cls.lab_arguments, *calm, capture=cls.lab_capture, place=cls.place)
        cls.addClassCleanup(cls.lab.abandon)
        cls.lab.__enter__()
        if cls.lab_clean:
            cls.lab.calm_kernel()
        cls.begin()

    @classmethod
    def arrange(cls):
        """What the class needs before the stack starts: files in cls.place, cls.lab_arguments."""

    @classmethod
    def begin(cls):
        """What it starts beside the stack."""

    @classmethod
    def tearDownClass(cls):
        cls.lab.stop()
        if cls.lab_capture:
            import capture
            capture.check(cls.lab.capture, clean=cls.lab_clean)

    def tearDown(self):
        if not self.lab.alive():
            self.fail(f"the stack ended with {self.lab.process.returncode}:\n{self.lab.output.tail()}")

    def assert_ok(self, done, code=0):
        self.assertEqual(done.code, code, str(done))
        return done


def main():
    unittest.main(verbosity=2)
