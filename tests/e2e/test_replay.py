"""glass replay: captures of the kernel, of the laboratory's scenarios and of a running stack, played again with our
stack in the place of either side; and files that are no captures."""
import glob
import os
import re
import unittest

import lab
from lab import STACK, Lab

CAPTURES = os.path.join(lab.HERE, "captures")
SCENARIOS = os.path.join(lab.TOP, "pcaps")
REPLAYS = os.path.join(lab.TOP, "tests/replays")
SIDES = ("10.9.0.1", "10.9.0.2")

# What a capture cannot tell: in an attack the forged segments seem to come from the host that is attacked with, whose
# side nobody can take; an old duplicate seen on neither host; a setting of the sender that no segment names.
UNKNOWABLE = {("blind-reset", "10.0.0.1"), ("old-duplicate-syn", "10.0.0.2"), ("silly-window", "10.0.0.1")}


def replay(*arguments, data=None):
    return lab.run([lab.GLASS, "replay", *arguments], data)


class Case(unittest.TestCase):
    maxDiff = None

    def assert_ends(self, done, code):
        self.assertEqual(done.code, code, str(done))
        return done

    def assert_one_line(self, done, code, words):
        self.assert_ends(done, code)
        self.assertEqual(len(done.err.splitlines()), 1, str(done))
        self.assertTrue(done.err.startswith("glass replay: "), str(done))
        self.assertIn(words, done.err)


class Kernel(Case):
    """Kernel to kernel over a veth pair, captured with dumpcap: both ends' frames with offloaded checksums."""

    def both(self, name, *patterns):
        for side in SIDES:
            done = self.assert_ends(replay(os.path.join(CAPTURES, name), "--as", side), 0)
            for pattern in patterns:
                self.assertRegex(done.out, pattern)

    def test_web_pages_with_giant_segments(self):
        self.both("web.pcap", r"(?m)^#1 10\.9\.0\.\d:\d+ with 10\.9\.0\.\d:\d+, opened by ")

    def test_losses_seen_by_the_client(self):
        self.both("lossy-client.pcap")

    def test_losses_seen_by_the_server(self):
        self.both("lossy-server.pcap")

    def test_what_a_filter_dropped_was_not_received(self):
        done = replay(os.path.join(CAPTURES, "lossy-client.pcap"), "--as", "10.9.0.1")
        self.assertRegex(done.out, r"(?m)^  \d+ frames of the peer seem never to have reached that host")

    def test_a_window_that_is_told_more_often_than_ours(self):
        """The kernel moves its window by little, and the peer fills it: ours takes the text all the same."""
        self.assert_ends(replay(os.path.join(CAPTURES, "often-told-window.pcap"), "--as", "10.7.0.1"), 0)

    def test_what_ours_sent_earlier_may_seem_lost_to_it(self):
        """The stack as echo server over a link with losses: when it was written cannot be told exactly."""
        self.assert_ends(replay(os.path.join(CAPTURES, "sent-earlier.pcap"), "--as", "10.7.0.2"), 0)

    def test_half_close(self):
        self.both("half-close.pcap")
        self.both("half-close-both.pcap")

    def test_reset(self):
        self.both("reset.pcap")

    def test_refused_port(self):
        self.both("refused.pcap")
        done = replay(os.path.join(CAPTURES, "refused.pcap"), "--as", "10.9.0.2")
        self.assertIn("same: all 2 frames", done.out)
        self.assertIn(", refused, ", done.out)

    def test_zero_window(self):
        self.both("zero-window.pcap")

    def test_datagrams_fragments_and_echoes(self):
        self.both("udp-and-ping.pcap", "same: all 16 frames")

    def test_all_shows_both_sides(self):
        done = replay(os.path.join(CAPTURES, "half-close.pcap"), "--all")
        rows = [line for line in done.out.splitlines() if re.match(r"  -?\d+\.\d{6} .* \| ", line)]
        self.assertEqual(len(rows), 4)
        self.assertRegex(rows[0], r"S\. 0:0\(0\) ack 1 .* \| .*S\. 0:0\(0\) ack 1 ")

    def test_the_first_server_is_guessed(self):
        done = replay(os.path.join(CAPTURES, "half-close.pcap"))
        self.assertIn("as 10.9.0.2 (the first connection's server)", done.out.splitlines()[0])

    def test_trace_follows_the_states(self):
        done = replay(os.path.join(CAPTURES, "half-close.pcap"), "--trace", "--explain")
        states = re.findall(r"([A-Z][A-Z0-9-]+) -> ([A-Z][A-Z0-9-]+)", done.out)
        self.assertEqual([to for _, to in states],
                         ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"])
        self.assertIn("RFC 9293 3.10.7.2", done.out)

    def test_what_is_still_open_at_the_end_stays_open(self):
        """The replay clears away its stack afterwards: no part of the conversation."""
        name = os.path.join(SCENARIOS, "handshake.pcap")
        for side in ("10.0.0.1", "10.0.0.2"):
            done = self.assert_ends(replay(name, "--as", side, "--ladder", "--trace"), 0)
            self.assertIn("ESTABLISHED", done.out)
            self.assertNotIn("RST", done.out)
            self.assertNotRegex(done.out, r"CLOSED$|ESTABLISHED -> CLOSED")

    def test_ladder_is_drawn(self):
        done = replay(os.path.join(CAPTURES, "half-close.pcap"), "--ladder")
        self.assert_ends(done, 0)
        for word in ("SYN,ACK", "CLOSE-WAIT", "LAST-ACK"):
            self.assertIn(word, done.out)


class Laboratory(Case):
    """Every scenario's capture, as either host: never different, apart from what it cannot tell."""

    def test_every_scenario_from_either_side(self):
        names = sorted(glob.glob(os.path.join(SCENARIOS, "*.pcap")))
        self.assertGreaterEqual(len(names), 35)
        different = set()
        for name in names:
            for side in ("10.0.0.1", "10.0.0.2"):
                done = replay(name, "--as", side)
                self.assertIn(done.code, (0, 1), f"{name}: {done}")
                if done.code:
                    different.add((os.path.basename(name)[:-len(".pcap")], side))
        self.assertEqual(different - UNKNOWABLE, set())


class Regression(Case):
    """tests/replays: each capture is a bug report once. NAME.args beside it may hold arguments, a line for each run."""

    def test_every_capture(self):
        names = sorted(glob.glob(os.path.join(REPLAYS, "*.pcap")) + glob.glob(os.path.join(REPLAYS, "*.pcapng")))
        self.assertTrue(names)
        for name in names:
            runs = [""]
            with_arguments = os.path.splitext(name)[0] + ".args"
            if os.path.exists(with_arguments):
                with open(with_arguments, encoding="ascii") as file:
                    runs = [line for line in file.read().splitlines() if line and not line.startswith("#")]
            for arguments in runs:
                self.assert_ends(replay(name, *arguments.split()), 0)


class Live(lab.Test):
    """What a running stack captured of itself, it does again."""

    lab_arguments = ("--pcap", "own.pcap")

    def test_its_own_capture_is_the_same_again(self):
        self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))
        self.assert_ok(self.lab.exec("nc", "-N", STACK, 7, data=b"to be echoed"))
        self.assert_ok(self.lab.exec("ping", "-n", "-c", 2, "-i", 0.2, STACK))
        self.assertNotEqual(self.lab.exec("nc", "-z", STACK, 99).code, 0)
        self.lab.wait_for_none()
        path = os.path.join(self.place.path, "own.pcap")
        done = self.assert_ok(replay(path))
        self.assertIn(f"as {STACK} (the stack's address in its laboratory)", done.out)
        self.assertRegex(done.out, r"(?m)^(same|equivalent): ")
        kernel = replay(path, "--as", lab.KERNEL)  # a kernel that was kept waiting may have had its own timers
        self.assertIn(kernel.code, (0, 1), str(kernel))
        self.assertEqual(kernel.err, "")


class LiveBulk(lab.Test):
    """Megabytes each way: the capture of the stack's own side, played again as either host."""

    size = 3_000_000

    @classmethod
    def arrange(cls):
        www = cls.place.file("www")
        os.mkdir(www)
        cls.file = os.path.join(www, "data")
        lab.make_file(cls.file, cls.size)
        cls.lab_arguments = ("--www", www, "--pcap", "own.pcap", *cls.link)

    link = ()

    def test_either_side_does_it_again(self):
        self.assert_ok(self.lab.curl(f"http://{STACK}/data", "-o", "/dev/null"))
        self.assert_ok(self.lab.exec("sh", "-c", f"exec nc -N {STACK} 9 <{self.file}"))
        self.lab.wait_for_none(local_port=9)
        path = os.path.join(self.place.path, "own.pcap")
        self.assertRegex(self.assert_ok(replay(path, "--as", STACK)).out, r"(?m)^#2 ")
        kernel = replay(path, "--as", lab.KERNEL)  # as above
        self.assertIn(kernel.code, (0, 1), str(kernel))
        self.assertEqual(kernel.err, "")
        self.assertRegex(kernel.out, r"(?m)^#2 ")


class LiveSegments(LiveBulk):
    """Without super-segments: the kernel tells of its window more often than we do."""

    link = ("--offload", "off")


class LiveLosses(LiveBulk):
    """Segments that the link lost after the capture saw them, and before."""

    size = 600_000
    link = ("--link", "loss=2%,seed=2")


class Wrong(Case):
    """One clear line, and exit status 1 or 2."""

    def setUp(self):
        self.place = lab.Place()
        self.addCleanup(self.place.remove)
        self.good = os.path.join(CAPTURES, "half-close.pcap")

    def file(self, data, name="x.pcap"):
        path = self.place.file(name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def contents(self):
        with open(self.good, "rb") as file:
            return file.read()

    def packets(self):
        """The file's header, and each packet with its own."""
        data, at, packets = self.contents(), 24, []
        while at < len(data):
            size = int.from_bytes(data[at + 8:at + 12], "little")
            packets.append(data[at:at + 16 + size])
            at += 16 + size
        return data[:24], packets

    def test_another_answer_is_different(self):
        """A SYN,ACK without the MSS that ours offers."""
        head, packets = self.packets()
        at = 16 + 14 + 20  # the TCP header
        syn_ack = bytearray(packets[1])
        self.assertEqual(syn_ack[at + 13], 0x12)
        syn_ack[at + 20:at + 24] = b"\x01\x01\x01\x01"
        done = replay(self.file(head + packets[0] + bytes(syn_ack)), "--as", "10.9.0.2")
        self.assert_ends(done, 1)
        self.assertIn("different: other options", done.out)

    def test_what_the_stack_would_never_send(self):
        """The server acknowledges text that never came."""
        head, packets = self.packets()
        at = 16 + 14 + 20
        ack = bytearray(packets[4])
        self.assertEqual((ack[at + 13], ack[16 + 14 + 15]), (0x10, 2))
        ack[at + 10] ^= 0x10  # 4096 bytes more
        done = replay(self.file(head + b"".join(packets[:4]) + bytes(ack)), "--as", "10.9.0.2")
        self.assert_ends(done, 1)
        self.assertIn("different: ours did not acknowledge this", done.out)

    def test_no_file(self):
        self.assert_one_line(replay("/nowhere"), 1, "/nowhere: No such file")

    def test_a_directory(self):
        self.assert_one_line(replay(self.place.path), 1, "Is a directory")

    def test_no_capture(self):
        self.assert_one_line(replay(self.file(b"GET / HTTP/1.1\r\n\r\n" * 9)), 1, "not a capture")
        self.assert_one_line(replay(self.file(b"")), 1, "it is empty")

    def test_cut_off(self):
        self.assert_one_line(replay(self.file(self.contents()[:-7])), 1, "damaged after frame 9")

    def test_cut_anywhere(self):
        data = self.contents()
        for size in range(0, len(data), 37):
            done = replay(self.file(data[:size]))
            self.assertIn(done.code, (0, 1), f"{size} bytes: {done}")
            self.assertEqual(len(done.err.splitlines()), done.code if "different" not in done.out else 0, str(done))

    def test_another_link(self):
        data = bytearray(self.contents())
        data[20] = 127
        self.assert_one_line(replay(self.file(data)), 1, "its link type is 127")

    def test_without_ipv4(self):
        head, packets = self.packets()
        frame = packets[0][:16 + 12] + b"\x08\x06" + packets[0][16 + 14:]
        self.assert_one_line(replay(self.file(head + frame)), 1, "it holds no IPv4 datagram")

    def test_begins_in_the_middle(self):
        head, packets = self.packets()
        done = replay(self.file(head + b"".join(packets[3:])))
        self.assert_one_line(done, 1, "nothing of it can be replayed: the capture does not hold its beginning")

    def test_begins_after_the_peers_syn(self):
        head, packets = self.packets()
        done = replay(self.file(head + b"".join(packets[1:])))
        self.assert_one_line(done, 1, "the capture does not hold the peer's SYN")

    def test_a_loopback_capture(self):
        head, packets = self.packets()
        fixed = []
        for p in packets:
            ip = bytearray(p[16 + 14:16 + 34])
            ip[10:20] = b"\0\0" + b"\x7f\0\0\1" * 2
            total = sum(int.from_bytes(ip[i:i + 2], "big") for i in range(0, 20, 2))
            while total >> 16:
                total = (total & 0xffff) + (total >> 16)
            ip[10:12] = (total ^ 0xffff).to_bytes(2, "big")
            fixed.append(p[:16 + 14] + bytes(ip) + p[16 + 34:])
        self.assert_one_line(replay(self.file(head + b"".join(fixed))), 1, "it never left its host")

    def test_cut_frames_are_filled_up(self):
        """tcpdump -s 80: text is missing, its length is not."""
        head, packets = self.packets()
        short = [p[:8] + min(len(p) - 16, 80).to_bytes(4, "little") + p[12:16 + 80] for p in packets]
        self.assert_ends(replay(self.file(head + b"".join(short))), 0)

    def test_cut_pings_and_datagrams_are_filled_up(self):
        """As either host: echoes, UDP, its fragments and ICMP errors are what they were, but for zeros."""
        with open(os.path.join(CAPTURES, "udp-and-ping.pcap"), "rb") as file:
            data = file.read()
        for snap in (60, 62, 80, 200):
            head, short, at = data[:24], [], 24
            while at < len(data):
                size = int.from_bytes(data[at + 8:at + 12], "little")
                kept = min(size, snap)
                short.append(data[at:at + 8] + kept.to_bytes(4, "little") + data[at + 12:at + 16 + kept])
                at += 16 + size
            for side in SIDES:
                done = self.assert_ends(replay(self.file(head + b"".join(short)), "--as", side), 0)
                self.assertIn("same: all 16 frames", done.out, f"{snap} bytes as {side}")

    def test_standard_input(self):
        self.assert_ends(replay("-", data=self.contents()), 0)

    def test_arguments(self):
        for arguments, words in (((), "which capture?"),
                                 (("",), "which capture?"),
                                 ((self.good, "--explain"), "--explain belongs to --trace or --ladder"),
                                 ((self.good, self.good), "one capture at a time"),
                                 ((self.good, "--as", "nobody"), "--as: not an IPv4 address: nobody"),
                                 ((self.good, "--as", "0.0.0.0"), "--as: not an IPv4 address"),
                                 ((self.good, "--as", "192.0.2.1"), "nothing in"),
                                 ((self.good, "--tcp", "speed=high"), "speed"),
                                 ((self.good, "--frobnicate"), "frobnicate")):
            self.assert_one_line(replay(*arguments), 2, words)

    def test_help(self):
        done = self.assert_ends(replay("--help"), 0)
        self.assertIn("usage: glass replay FILE", done.out)

    def test_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            process = lab.start([lab.GLASS, "replay", self.good, "--all"], stdout=full, stderr=lab.subprocess.PIPE)
            done = lab.finish(process)
        self.assertEqual(done.code, 1)
        self.assertIn("cannot write the report", done.err)


if __name__ == "__main__":
    lab.main()
