"""glass demo, the tour."""
import os
import unittest

import capture
import lab
from lab import KERNEL, STACK


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = lab.Place()
        cls.addClassCleanup(cls.place.remove)
        cls.capture = cls.place.file("tour.pcap")
        cls.place.env["NO_COLOR"] = "1"
        cls.done = cls.place.glass("demo", "--pcap", cls.capture, patience=lab.LONG)

    def test_it_ends_well(self):
        self.assertEqual((self.done.code, self.done.err), (0, ""), str(self.done))

    def test_it_runs_ping_curl_and_nc(self):
        for line in (f"64 bytes from {STACK}: icmp_seq=1", " 0% packet loss", "< HTTP/1.1 200 OK", "hello, UDP",
                     "hello, TCP"):
            self.assertIn(line, self.done.out)
        self.assertNotIn("\x1b", self.done.out)  # NO_COLOR

    def test_the_ladder_shows_both_ends_from_handshake_to_close(self):
        rungs = [line for line in self.done.out.splitlines() if "|---" in line or "|<--" in line]
        self.assertRegex(rungs[0], r"\(SYN-SENT\) +\|--- SYN -+>\| SYN-RECEIVED")
        self.assertRegex(rungs[1], r"\(ESTABLISHED\) +\|<-- SYN,ACK -+\|")
        self.assertRegex(rungs[2], r"\|--- ACK -+>\| ESTABLISHED")
        fins = [line for line in rungs if "FIN" in line.split("|")[1]]
        self.assertEqual(len(fins), 2, fins)
        self.assertRegex(rungs[-1], r"\|--- ACK -+>\| CLOSED")
        for word in ("LISTEN", "CLOSE-WAIT", "LAST-ACK", "FIN-WAIT-1", "TIME-WAIT", "len ", "seq ", "ack ", "win "):
            self.assertIn(word, self.done.out)

    def test_the_table_shows_listeners_and_an_open_connection(self):
        self.assertRegex(self.done.out, r"tcp +0 +\d+ \*:80 +\*:\* +LISTEN ")
        self.assertRegex(self.done.out, rf"tcp +0 +0 {STACK}:7 +{KERNEL}:\d+ +ESTABLISHED ")

    def test_its_capture_is_the_ladders(self):
        self.assertIn(self.capture, self.done.out)
        capture.check(self.capture, clean=False)
        kinds = {row[0] for row in capture.fields(self.capture, "frame", "ip.proto")}
        self.assertEqual(kinds, {"1", "6", "17"})
        stream = capture.fields(self.capture, "tcp.port == 80", "tcp.len")
        rungs = [line for line in self.done.out.splitlines() if "|---" in line or "|<--" in line]
        self.assertEqual(len(stream), len(rungs))

    def test_it_leaves_nothing_else(self):
        self.assertEqual([name for name in os.listdir(self.place.runtime) if name.endswith(".sock")], [])
        self.assertEqual(sorted(os.listdir(self.place.path)), ["run", "tour.pcap"])


if __name__ == "__main__":
    lab.main()
