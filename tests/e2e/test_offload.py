"""Super-segments between the stack and its device: what the captures show, and that nothing else is different."""
import os
import unittest

import capture
import lab
from lab import STACK

SIZE = 6_000_000


class On(lab.Test):
    """As it is by default, where the kernel has it. Every checksum of the capture is looked at at the end."""

    @classmethod
    def arrange(cls):
        www = cls.place.file("www")
        os.mkdir(www)
        cls.file = os.path.join(www, "data")
        cls.total = lab.make_file(cls.file, SIZE)
        cls.lab_arguments = ("--www", www)

    lab_capture = True

    def test_bytes_arrive_as_they_are_and_the_capture_shows_giants(self):
        got = self.place.file("got")
        self.assert_ok(self.lab.curl(f"http://{STACK}/data", "-o", got))
        self.assertEqual(lab.sha256_of(got), self.total)
        done = self.lab.client("echo", STACK, 7, self.file)
        self.assertEqual(done.out.split(), [str(SIZE), self.total, self.total], str(done))
        for source, what in ((f"ip.src == {STACK}", "sent"), (f"ip.dst == {STACK}", "received")):
            rows = capture.fields(self.lab.capture, f"{source} && tcp.len > 1448", "ip.len", "tcp.len", "frame.len")
            self.assertGreater(len(rows), 10, what)
            for ip_len, tcp_len, frame_len in rows:
                self.assertEqual(int(ip_len), int(frame_len))
                self.assertIn(int(ip_len) - int(tcp_len), (52, 60, 64, 72, 80))

    def test_a_file_that_is_cut_short_breaks_the_answer_off(self):
        name = os.path.join(os.path.dirname(self.file), "torn")
        lab.make_file(name, SIZE)
        self.assert_ok(self.lab.curl(f"http://{STACK}/torn", "-o", "/dev/null"))
        os.truncate(name, 100)
        done = self.lab.curl(f"http://{STACK}/torn", "-o", self.place.file("short"))
        self.assert_ok(done)
        self.assertEqual(os.path.getsize(self.place.file("short")), 100)

    def cut_meanwhile(self, before, after):
        """The kernel reads the lent file inside writev, and says EFAULT where we would be told by a signal."""
        with lab.Lab("--mtu", "9000", "--www", os.path.dirname(self.file), place=self.place) as running:
            name = os.path.join(os.path.dirname(self.file), "torn-meanwhile")
            lab.make_file(name, before)
            program = ("import os, socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100000);"
                       f"s.connect(('{STACK}', 80)); s.settimeout(100);"
                       "s.sendall(b'GET /torn-meanwhile HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); s.recv(1000);"
                       f"os.truncate({name!r}, {after})\n"
                       "try:\n"
                       "    while s.recv(65536): pass\n"
                       "    print('end')\n"
                       "except ConnectionResetError: print('reset')\n")
            done = running.exec("python3", "-c", program, patience=lab.LONG)
            self.assertEqual(done.out.strip(), "reset", str(done))
            self.assertEqual(running.counters().get("Ip", {}).get("outgoing packets dropped", 0), 0)

    def test_a_file_that_is_cut_short_meanwhile_resets_the_answer(self):
        self.cut_meanwhile(20_000_000, 100)

    def test_a_file_that_loses_only_the_start_of_a_page_meanwhile_resets_the_answer(self):
        """The last segment ends soon behind the end of a page, and that page is the one that is missing."""
        pages = 4000 * 4096
        self.cut_meanwhile(pages + 100, pages)

    def test_a_file_that_is_cut_short_within_its_last_page_meanwhile_resets_the_answer(self):
        """The page stays, with zeros behind the new end: neither a signal nor EFAULT tells of it."""
        pages = 4000 * 4096
        self.cut_meanwhile(pages + 4000, pages + 100)

    def test_datagrams_sent_as_one_arrive_each_by_itself(self):
        program = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10);"
                   "s.setsockopt(17, 103, 1000);"
                   f"s.sendto(b'a' * 1000 + b'b' * 1000 + b'c' * 500, ('{STACK}', 7));"
                   "print(*[(len(d), chr(d[0])) for d in (s.recv(9000) for _ in range(3))])")
        done = self.lab.exec("python3", "-c", program)
        self.assertEqual(done.out.strip(), "(1000, 'a') (1000, 'b') (500, 'c')", str(done))


class Off(lab.Test):
    """Nobody watches, so the stack has its segments cut, and hears joined what comes: none of it shows outside."""

    lab_arguments = ("--offload", "off")

    def test_the_link_carries_single_segments(self):
        done = self.assert_ok(self.lab.client("wire", STACK, 7, lab.scaled(4_000_000)))
        received, *ways = done.out.splitlines()
        self.assertEqual(int(received), lab.scaled(4_000_000))
        for name, way in zip(("from the stack", "to the stack"), ways, strict=True):
            segments, follow, longest, wrong = map(int, way.split())
            self.assertGreater(segments, 10, name)
            self.assertGreater(follow, 10, name)  # on a busy machine the socket that looks on loses a part
            self.assertEqual((longest, wrong), (1500, 0), name)


class OffAndWatched(lab.Test):
    """A capture shows each segment as it leaves and as it comes."""

    lab_arguments = ("--offload", "off")
    lab_capture = True

    def test_a_capture_shows_single_segments(self):
        self.assert_ok(self.lab.client("wire", STACK, 7, lab.scaled(4_000_000)))
        for side in ("src", "dst"):
            rows = capture.fields(self.lab.capture, f"ip.{side} == {STACK} && tcp.len > 0", "tcp.len")
            self.assertEqual(max(int(row[0]) for row in rows), 1448, side)


class Arguments(unittest.TestCase):
    def refused(self, *arguments):
        place = lab.Place()
        self.addCleanup(place.remove)
        done = place.glass("up", *arguments)
        self.assertEqual(done.code, 2, str(done))
        self.assertEqual(len(done.err.splitlines()), 1, str(done))
        return done.err

    def test_it_is_on_or_off(self):
        self.assertIn("neither on nor off", self.refused("--offload", "perhaps"))

    def test_a_wire_carries_single_segments(self):
        self.assertIn("--link", self.refused("--offload", "on", "--link", "loss=1%"))


if __name__ == "__main__":
    lab.main()
