"""The stack's table beside the kernel's: two views of the same connections."""
import lab
from lab import KERNEL, STACK, Peer

# The kernel's state: what the stack may be in (RFC 9293 figure 5), None for no connection at all.
CONSISTENT = {
    "ESTAB": {"ESTABLISHED"},
    "FIN-WAIT-2": {"CLOSE-WAIT"},
    "CLOSE-WAIT": {"FIN-WAIT-2"},
    "TIME-WAIT": {None},
}


class Netstat(lab.Test):
    def kernel_connections(self):
        """{(local, remote): state} by ss."""
        done = self.assert_ok(self.lab.exec("ss", "-Htan"))
        rows = [line.split() for line in done.out.splitlines()]
        return {(row[3], row[4]): row[0] for row in rows if row[4].startswith(STACK)}

    def stack_connections(self):
        return {(row.remote, row.local): row.state for row in self.lab.connections()}

    def glass_nc(self):
        """A kernel socket and a glass nc, connected."""
        peer = Peer(self.lab)
        nc = self.lab.start_glass("nc", KERNEL, peer("listen"))
        return peer, nc, int(peer("accept").split()[1])

    def test_both_ends_tell_the_same(self):
        before = {*self.kernel_connections(), *self.stack_connections()}  # of other tests, in TIME-WAIT
        established = Peer(self.lab)
        established("connect", STACK, 7)
        kernel_closed, _, first = self.glass_nc()
        kernel_closed("shut")
        self.lab.wait_for_connection("CLOSE-WAIT", local_port=first)
        stack_closed, nc, second = self.glass_nc()
        nc.stdin.close()
        nc.stdin = None
        self.lab.wait_for_connection("FIN-WAIT-2", local_port=second)
        stack_waits, nc, third = self.glass_nc()
        nc.stdin.close()
        nc.stdin = None
        stack_waits("drain")
        stack_waits("close")
        self.lab.wait_for_connection("TIME-WAIT", local_port=third)
        kernel_waits = Peer(self.lab)
        port = int(kernel_waits("connect", STACK, 7))
        kernel_waits("shut")
        kernel_waits("drain")
        self.lab.wait_for_none(remote_port=port)

        def states():
            kernel, stack = self.kernel_connections(), self.stack_connections()
            both = {pair: (kernel.get(pair), stack.get(pair)) for pair in {*kernel, *stack} - before}
            return both, sorted(map(str, both.values()))

        expected = sorted(map(str, [("ESTAB", "ESTABLISHED"), ("FIN-WAIT-2", "CLOSE-WAIT"),
                                    ("CLOSE-WAIT", "FIN-WAIT-2"), (None, "TIME-WAIT"), ("TIME-WAIT", None)]))
        lab.wait_until(lambda: states()[1] == expected, f"{expected}, but {states()[0]}", 5)

    def test_a_crowd_is_mirrored_one_to_one(self):
        peers = [Peer(self.lab) for _ in range(10)]
        ports = {int(peer("connect", STACK, 9)) for peer in peers}
        kernel = {pair: state for pair, state in self.kernel_connections().items()
                  if int(pair[0].rpartition(":")[2]) in ports}
        stack = self.stack_connections()
        self.assertEqual(len(kernel), 10)
        for pair, state in kernel.items():
            self.assertIn(stack.get(pair), CONSISTENT[state], f"{pair}: {state} and {stack.get(pair)}")
        for peer in peers:
            peer.leave()
        self.lab.wait_for_none(local_port=9)

    def test_listeners_and_udp_sockets_are_listed(self):
        rows = {(row.proto, row.local_port): row for row in self.lab.netstat() if row.remote == "*:*"}
        self.assertEqual({port for proto, port in rows if proto == "tcp"}, {7, 9, 13, 19, 80})
        self.assertEqual({port for proto, port in rows if proto == "udp"}, {7, 9, 13, 19})
        self.assertTrue(all(row.state == "LISTEN" for (proto, _), row in rows.items() if proto == "tcp"))

    def test_without_a_only_connections(self):
        done = self.assert_ok(self.lab.glass("netstat", "-n"))
        self.assertNotIn("LISTEN", done.out)
        self.assertNotIn("Timer", done.out)

    def test_waiting_bytes_are_counted(self):
        peer = Peer(self.lab)
        port = int(peer("connect", STACK, 19))
        row = lab.wait_until(lambda: next((r for r in self.lab.connections(remote_port=port) if r.send > 0), None),
                             "bytes in the send queue")
        self.assertEqual(row.state, "ESTABLISHED")
        peer.leave()
        self.lab.wait_for_none(remote_port=port)

    def test_a_closed_window_is_probed(self):
        """The kernel does not read: the persist timer runs (RFC 9293 3.8.6.1)."""
        peer = Peer(self.lab)
        port = int(peer("connect", STACK, 19, 4096))
        lab.wait_until(lambda: any(row.timer.startswith("probe (") for row in self.lab.connections(remote_port=port)),
                       "the persist timer")
        peer.leave()
        self.lab.wait_for_none(remote_port=port)


if __name__ == "__main__":
    lab.main()
