"""Captures, read by tshark with checksum validation on."""
import os
import unittest

import capture
import lab
from lab import KERNEL, STACK, Lab, Peer


class CleanLink(lab.Test):
    """A mixed session over a link that loses nothing: tshark finds nothing to remark in its capture."""

    lab_capture = lab_clean = True

    @classmethod
    def arrange(cls):
        www = cls.place.file("www")
        os.mkdir(www)
        cls.file, cls.size = os.path.join(www, "data"), lab.scaled(10_000_000)
        lab.make_file(cls.file, cls.size)
        cls.lab_arguments = ("--www", www, "--offload", "off")

    def handshake(self, stream_filter):
        """(flags, relative seq, relative ack, length) of the packets of one connection."""
        rows = capture.fields(self.lab.capture, stream_filter,
                              "tcp.flags.str", "tcp.seq", "tcp.ack", "tcp.len", "ip.src")
        return [(flags.strip("·"), int(seq), int(ack or 0), int(length), source)
                for flags, seq, ack, length, source in rows]

    def stream_of(self, port):
        """The tshark filter of the connection with that dynamic port."""
        number, = {row[0] for row in capture.fields(self.lab.capture, f"tcp.port == {port}", "tcp.stream")}
        return f"tcp.stream == {number}"

    def test_a_connection_from_handshake_to_last_ack(self):
        """While the stack runs: the capture can be followed."""
        peer = Peer(self.lab)
        port = int(peer("connect", STACK, 7))
        peer("send", 100)
        peer("receive", 100)
        peer("shut")
        peer("drain")
        self.lab.wait_for_none(remote_port=port)
        packets = self.handshake(self.stream_of(port))
        syn, syn_ack, ack = packets[:3]
        self.assertEqual(syn, ("S", 0, 0, 0, KERNEL))
        self.assertEqual(syn_ack[1:], (0, 1, 0, STACK))
        self.assertIn("S", syn_ack[0])
        self.assertIn("A", syn_ack[0])
        self.assertEqual(ack[1:], (1, 1, 0, KERNEL))
        sent = {source: sum(length for *_, length, origin in packets if origin == source) for source in (KERNEL, STACK)}
        self.assertEqual(sent, {KERNEL: 100, STACK: 100})
        fins = [(seq, source) for flags, seq, _, _, source in packets if "F" in flags]
        self.assertEqual(fins, [(101, KERNEL), (101, STACK)])
        self.assertEqual(packets[-1][1:], (102, 102, 0, KERNEL))
        self.assertFalse(any("R" in flags for flags, *_ in packets))

    def test_the_stack_opens_and_closes_first(self):
        peer = Peer(self.lab)
        port = peer("listen")
        done = self.lab.start_glass("nc", KERNEL, port)
        peer("accept")
        done.stdin.close()
        done.stdin = None
        peer("drain")
        peer("close")
        self.assert_ok(lab.finish(done))
        self.lab.wait_for_connection("TIME-WAIT", remote_port=int(port))
        packets = self.handshake(self.stream_of(port))
        self.assertEqual([(p[1], p[2], p[4]) for p in packets[:3]], [(0, 0, STACK), (0, 1, KERNEL), (1, 1, STACK)])
        self.assertEqual(packets[-1][1:], (2, 2, 0, STACK))
        options = capture.fields(self.lab.capture, f"{self.stream_of(port)} && tcp.flags.syn == 1 && ip.src == {STACK}",
                                 "tcp.options.mss_val")
        self.assertEqual(options, [["1460"]])

    def test_transfers_leave_a_clean_capture(self):
        """The check itself is made at the end, over all that these tests did."""
        self.assert_ok(self.lab.curl(f"http://{STACK}/data", "-o", self.place.file("down")))
        self.assert_ok(self.lab.client("echo", STACK, 7, self.file))
        self.assert_ok(self.lab.exec("sh", "-c", f"exec nc -N {STACK} 9 <{self.file}"))
        self.assertEqual(lab.sha256_of(self.place.file("down")), lab.sha256_of(self.file))
        rows = capture.fields(self.lab.capture, f"tcp.len > 0 && ip.src == {STACK}", "tcp.len")
        self.assertGreaterEqual(sum(int(row[0]) for row in rows), 2 * self.size)
        self.assertEqual(max(int(row[0]) for row in rows), 1448)  # 1500 less two headers and the timestamps option

    def test_datagrams_in_fragments_are_put_together(self):
        self.assert_ok(self.lab.client("udp_echo", STACK, 7, 9000, 65507))
        self.assert_ok(self.lab.exec("ping", "-n", "-c", 1, "-s", 8000, STACK))
        reassembled = capture.fields(self.lab.capture, f"ip.reassembled.length && ip.src == {STACK}",
                                     "ip.reassembled.length", "ip.proto")
        self.assertEqual(sorted(reassembled), [["65515", "17"], ["8008", "1"], ["9008", "17"]])
        lonely = capture.read(self.lab.capture, "-2", "-Y", "(ip.flags.mf == 1 || ip.frag_offset > 0)"
                                                            " && !ip.reassembled_in && !ip.reassembled.length")
        self.assertEqual(lonely, [])

    def test_every_packet_is_for_or_from_the_stack(self):
        self.lab.exec("ping", "-n", "-c", 1, STACK)
        rows = capture.fields(self.lab.capture, "frame", "ip.src", "ip.dst")
        strangers = [row for row in rows if STACK not in row[0] + row[1]]
        self.assertEqual(strangers, [])

    def test_its_clock_is_the_wall_clock(self):
        before = lab.time.time()
        self.lab.exec("ping", "-n", "-c", 1, "-s", 77, STACK)
        after = lab.time.time()
        for stamp, in capture.fields(self.lab.capture, "icmp && data.len == 69", "frame.time_epoch"):
            self.assertTrue(before - 1 <= float(stamp) <= after + 1, stamp)


class Checks(unittest.TestCase):
    """The judge itself: a capture with an error in it does not pass."""

    def test_one_changed_byte_is_found(self):
        place = lab.Place()
        self.addCleanup(place.remove)
        with Lab(capture=True, place=place) as running:
            running.curl("-o", "/dev/null", f"http://{STACK}/")
        capture.check(running.capture, clean=False)
        with open(running.capture, "rb") as file:
            data = bytearray(file.read())
        data[-1] ^= 1  # in the last packet, which is a TCP segment
        with open(running.capture, "wb") as file:
            file.write(data)
        with self.assertRaisesRegex(AssertionError, "tshark finds 1 packets wrong"):
            capture.check(running.capture, clean=False)

    def test_a_repeated_segment_is_found(self):
        place = lab.Place()
        self.addCleanup(place.remove)
        with Lab(capture=True, place=place) as running:
            running.curl("-o", "/dev/null", f"http://{STACK}/")
        with open(running.capture, "rb") as file:
            data = file.read()
        at, packets = 24, []
        while at < len(data):
            length = int.from_bytes(data[at + 8:at + 12], "little")
            packets.append(data[at:at + 16 + length])
            at += 16 + length
        largest = max(range(len(packets)), key=lambda i: len(packets[i]))
        packets.insert(largest + 1, packets[largest])
        with open(running.capture, "wb") as file:
            file.write(data[:24] + b"".join(packets))
        capture.check(running.capture, clean=False)
        with self.assertRaisesRegex(AssertionError, "Retransmission"):
            capture.check(running.capture, clean=True)


class Following(unittest.TestCase):
    def test_a_capture_on_standard_output_is_followed_live(self):
        place = lab.Place()
        self.addCleanup(place.remove)
        running = Lab("--pcap", "-", place=place)
        process = lab.start(running.command, stdin=lab.subprocess.DEVNULL, stdout=lab.subprocess.PIPE,
                            stderr=lab.subprocess.PIPE, env=place.env, cwd=place.path)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        running.process, running.output = process, lab.Output(process.stderr)
        running.output.wait_for(r"^glass: \S+ is up on ")
        tshark = lab.start([capture.tshark(), "-n", "-l", "-i", "-", "-T", "fields", "-e", "tcp.flags.str"],
                           stdin=process.stdout, stdout=lab.subprocess.PIPE, stderr=lab.subprocess.DEVNULL,
                           env={**place.env, "HOME": place.path})
        process.stdout.close()
        seen = lab.Output(tshark.stdout)
        running.curl("-o", "/dev/null", f"http://{STACK}/")
        seen.wait_for("S")
        seen.wait_for("F", count=2)
        running.stop()
        self.assertEqual(tshark.wait(lab.PATIENCE), 0)


if __name__ == "__main__":
    lab.main()
