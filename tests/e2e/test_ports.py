"""glass ports: classes against RFC 6335, names against the C library's, holders against the processes that hold."""
import os
import re
import socket
import unittest

import lab
from lab import KERNEL, STACK, Peer, Place

CLASSES = ((1, "well-known"), (80, "well-known"), (1023, "well-known"), (1024, "registered"), (8080, "registered"),
           (49151, "registered"), (49152, "dynamic"), (65535, "dynamic"))


def service(port, protocol):
    try:
        return socket.getservbyport(port, protocol)
    except OSError:
        return "none"


class WithoutAStack(unittest.TestCase):
    """Class and name are there without anything running."""

    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)

    def ports(self, *arguments):
        done = self.place.glass("ports", *arguments)
        self.assertEqual((done.code, done.err), (0, ""), str(done))
        return done.out

    def test_each_port_has_its_class(self):
        for port, name in CLASSES:
            with self.subTest(port=port):
                self.assertRegex(self.ports(port), rf"^port {port}: {name} \(\d+ to \d+, RFC 6335 section 6: ")

    def test_names_are_those_of_etc_services(self):
        for port in (7, 22, 53, 80, 443, 514, 5353, 60000):
            out = self.ports(port)
            for protocol in ("tcp", "udp"):
                found = re.search(rf"(?m)^  {protocol} service: (\S+)", out)
                self.assertEqual(found[1], service(port, protocol), f"{port}/{protocol}")

    def test_a_service_by_its_name_or_another_name(self):
        for name in ("http", "www", "domain", "echo"):
            self.assertTrue(self.ports(name).startswith(f"port {socket.getservbyname(name)}: "), name)

    def test_a_name_may_have_two_ports(self):
        tcp, udp = socket.getservbyname("syslog-tls", "tcp"), socket.getservbyname("syslog", "udp")
        self.assertIn(f"port {tcp}: ", self.ports("syslog-tls"))
        self.assertIn(f"port {udp}: ", self.ports("syslog"))

    def test_nothing_running_is_said(self):
        self.assertIn("No stack named glass is running", self.ports(80))
        out = self.ports()
        self.assertIn("No stack named glass is running", out)
        for first, last, name in ((0, 1023, "well-known"), (1024, 49151, "registered"), (49152, 65535, "dynamic")):
            self.assertRegex(out, rf"(?m)^ +{first} to +{last}  {name} ")

    def test_what_is_no_port_is_named(self):
        for wrong in ("0", "65536", "99999999999999999999", "no-such-service", "-1", "80 ", ""):
            with self.subTest(wrong=wrong):
                done = self.place.glass("ports", "--", wrong)
                self.assertEqual((done.code, done.out, done.err.count("\n")), (2, "", 1), str(done))
                self.assertIn(wrong, done.err)
        done = self.place.glass("ports", "80", "81")
        self.assertEqual((done.code, done.err.count("\n")), (2, 1), str(done))

    def test_a_stack_that_was_named_must_run(self):
        done = self.place.glass("ports", "--name", "nobody", "80")
        self.assertEqual((done.code, done.out, done.err.count("\n")), (1, "", 1), str(done))
        self.assertIn("nobody", done.err)

    def test_without_etc_services_it_says_so(self):
        command = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /etc && exec \"$@\"", "sh", lab.GLASS, "ports"]
        done = lab.run([*command, "80"], env=self.place.env)
        if "unshare" in done.err or "mount" in done.err:
            self.skipTest(f"no mount namespace: {done.err.strip()}")
        self.assertEqual((done.code, done.err), (0, ""), str(done))
        self.assertIn("well-known", done.out)
        self.assertIn("tcp service: unknown", done.out)
        self.assertIn("no /etc/services", done.out)
        self.assertIn("netbase", done.out)
        done = lab.run([*command, "gopher"], env=self.place.env)
        self.assertEqual((done.code, done.err.count("\n")), (2, 1), str(done))
        self.assertIn("netbase", done.err)


class Held(lab.Test):
    def ports(self, *arguments):
        return self.assert_ok(self.lab.glass("ports", *arguments)).out

    def holder(self, port, protocol="tcp"):
        return re.search(rf"(?m)^  {protocol} holder:  (.*)$", self.ports(port))[1]

    def test_a_server_holds_its_port(self):
        program = os.path.basename(lab.GLASS)[:15]
        self.assertEqual(self.holder(80), f"{self.lab.process.pid}/{program}: LISTEN")
        self.assertEqual(self.holder("http"), self.holder(80))
        self.assertEqual(self.holder(80, "udp"), "nobody")
        self.assertEqual(self.holder(7, "udp"), f"{self.lab.process.pid}/{program}: open")
        self.assertEqual(self.holder(81), "nobody")

    def test_connections_are_counted_by_state(self):
        peers = [Peer(self.lab) for _ in range(3)]
        for peer in peers:
            peer("connect", STACK, 7)
        lab.wait_until(lambda: self.holder(7).endswith(": LISTEN, 3 ESTABLISHED"), "three connections")
        for peer in peers:
            peer.leave()
        self.lab.wait_for_none(local_port=7)

    def test_a_client_holds_the_port_it_came_from(self):
        peer = Peer(self.lab)
        nc = self.lab.start_glass("nc", KERNEL, peer("listen"))
        port = int(peer("accept").split()[1])
        program = os.path.basename(lab.GLASS)[:15]
        self.assertEqual(self.holder(port), f"{nc.pid}/{program}: 1 ESTABLISHED")
        self.assertRegex(self.ports(), rf"(?m)^tcp +{port} dynamic +- +{nc.pid}/{program} +1 ESTABLISHED$")
        nc.stdin.close()
        nc.stdin = None
        peer("drain")
        peer("close")
        lab.wait_until(lambda: self.holder(port) == "no process any more: 1 TIME-WAIT", "TIME-WAIT is nobody's")

    def test_the_list_holds_what_netstat_shows(self):
        rows = {(row.proto, row.local_port) for row in self.lab.netstat() if row.proto != "icmp" and row.remote == "*:*"}
        listed = {(line.split()[0], int(line.split()[1])) for line in self.ports().splitlines()
                  if re.match(r"(tcp|udp) +\d", line) and ("LISTEN" in line or "open" in line)}
        self.assertEqual(listed, rows)


if __name__ == "__main__":
    lab.main()
