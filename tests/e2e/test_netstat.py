"""The stack's table beside the kernel's: two views of the same connections."""
import json
import os
import pty
import re
import socket

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

    # --- the options that people know ---

    def lines(self, *options):
        """What glass netstat prints under its heading."""
        return self.assert_ok(self.lab.glass("netstat", *options)).out.splitlines()[1:]

    def test_letters_may_be_bundled(self):
        listening = self.lines("-tulpn")
        self.assertEqual({(line.split()[0], line.split()[3]) for line in listening},
                         {(row.proto, row.local) for row in self.lab.netstat() if row.remote == "*:*"})
        self.assertEqual(self.lines("-l", "-n", "-t", "-u"), listening)
        self.assertEqual(self.lines("--listening", "--numeric", "--tcp", "--udp", "--program"), listening)
        for options in ("-ano", "-anop", "-anopt", "-tn"):
            self.assertTrue(self.lab.glass("netstat", options).out.startswith("Proto Recv-Q Send-Q Local Address"))

    def test_one_protocol_alone(self):
        ping = self.lab.start_glass("ping", KERNEL)
        lab.wait_until(lambda: any(line.startswith("icmp") for line in self.lines("-an")), "the ping's socket")
        for options, protocols in (("-ant", {"tcp"}), ("-anu", {"udp"}), ("-antu", {"tcp", "udp"}),
                                   ("-an", {"tcp", "udp", "icmp"})):
            self.assertEqual({line.split()[0] for line in self.lines(options)}, protocols, options)
        ping.terminate()

    def test_owners_are_the_process_of_the_stack_and_its_program(self):
        for row in self.lab.netstat():
            if row.remote == "*:*":
                self.assertEqual((row.pid, row.program), (self.lab.process.pid, os.path.basename(lab.GLASS)[:15]), row)

    def test_ports_have_the_names_of_etc_services(self):
        with_names, numeric = self.lines("-atl"), self.lines("-atln")
        self.assertEqual(len(with_names), len(numeric))
        for name, number in zip((line.split()[3] for line in with_names), (line.split()[3] for line in numeric)):
            expected = socket.getservbyport(int(number.rpartition(":")[2]), "tcp")
            self.assertEqual(name.rpartition(":")[2], expected)

    def test_addresses_have_the_names_of_etc_hosts(self):
        peer = Peer(self.lab)
        peer("connect", STACK, 7)
        long_name = "the-other-end-of-the-laboratory.example"
        hosts = self.place.file("hosts")
        with open(hosts, "w") as file:
            file.write(f"0.0.0.0 unwanted.example\n{KERNEL} {long_name} kernel\n{STACK} stack\n")
        done = lab.run(["unshare", "--mount", "sh", "-c", f"mount --bind {hosts} /etc/hosts && exec \"$@\"", "sh",
                        lab.GLASS, "netstat", "--name", self.lab.name, "-a"], env=self.place.env)
        if "unshare" in done.err or "mount" in done.err:
            self.skipTest(f"no mount namespace: {done.err.strip()}")
        self.assert_ok(done)
        self.assertRegex(done.out, rf"(?m)^tcp +0 +0 stack:echo +{re.escape(long_name)}:\d+ +ESTABLISHED ")
        self.assertNotIn("unwanted", done.out)
        states = [line.index("LISTEN") for line in done.out.splitlines() if "LISTEN" in line]
        self.assertEqual(set(states), {done.out.splitlines()[0].index("State")})  # wide names keep the columns
        peer.leave()

    def test_again_a_bounded_number_of_times(self):
        done = self.assert_ok(self.lab.glass("netstat", "-cn", "--count", 2))
        self.assertEqual(done.out.count("Proto Recv-Q"), 2)
        self.assertNotIn("\033", done.out)
        once = self.assert_ok(self.lab.glass("netstat", "-anc", "--json", "--count", 1))
        self.assertEqual({json.loads(line)["round"] for line in once.out.splitlines()}, {1})

    def test_a_terminal_is_redrawn(self):
        ours, theirs = pty.openpty()
        process = lab.start([lab.GLASS, "netstat", "--name", self.lab.name, "-anc", "--count", "1"], stdout=theirs,
                            stderr=theirs, stdin=theirs, env=self.place.env)
        os.close(theirs)
        text = b""
        while True:
            try:
                got = os.read(ours, 65536)
            except OSError:  # the terminal is closed
                break
            if not got:
                break
            text += got
        os.close(ours)
        self.assertEqual(process.wait(lab.PATIENCE), 0)
        self.assertTrue(text.startswith(b"\033[H\033[JProto "), text)

    def test_counters_of_one_protocol(self):
        self.assertEqual(set(self.lab.counters("-t")), {"Tcp", "TcpExt"})
        self.assertEqual(set(self.lab.counters("-u")), {"Udp"})
        self.assertIn("Icmp", self.lab.counters())

    def test_wrong_arguments(self):
        for options, named in ((["-s", "--json"], "--json"), (["--count", "0"], "--count"), (["--count", "x"], "x"),
                               (["-z"], "z")):
            done = self.lab.glass("netstat", *options)
            self.assertEqual((done.code, done.out, done.err.count("\n")), (2, "", 1), str(done))
            self.assertIn(named, done.err)

    # --- what congestion control knows ---

    def kernel_info(self, port):
        """{key: value} of the kernel's end with that local port, by ss -tin."""
        done = self.assert_ok(self.lab.exec("ss", "-Htin", "sport", "=", f":{port}"))
        found = dict(re.findall(r"(\w+):(\S+)", done.out))
        found["options"] = set(done.out.split()) & {"ts", "sack", "ecn"}
        return found

    def stack_info(self, port):
        """{key: value} of the lines that glass netstat -i adds to the stack's end."""
        lines = self.lines("-tin")
        at = next(i for i, line in enumerate(lines) if f"{KERNEL}:{port} " in line)
        text = " ".join(lines[at + 1:at + 3])
        found = dict(re.findall(r"(\w+):(\S+)", text))
        found["words"] = text.split()
        return found

    def test_both_ends_agree_on_what_they_agreed_on(self):
        peer = Peer(self.lab)
        port = int(peer("connect", STACK, 7))
        peer("send", 5000)
        peer("receive", 5000)
        self.lab.wait_for_connection("ESTABLISHED", remote_port=port)
        lab.wait_until(lambda: self.stack_info(port)["bytes_acked"] == "5000", "the kernel's last ACK")
        ours, theirs = self.stack_info(port), self.kernel_info(port)
        self.assertEqual(ours["mss"], theirs["mss"])
        self.assertEqual(ours["wscale"].split(","), theirs["wscale"].split(",")[::-1])
        self.assertLessEqual(theirs["options"], set(ours["words"]))
        self.assertEqual(int(ours["bytes_received"]), int(theirs["bytes_acked"]) - 1)  # the kernel counts its SYN
        self.assertEqual(ours["bytes_acked"], theirs["bytes_received"])
        self.assertGreaterEqual(int(ours["cwnd"]), 10 * int(ours["mss"]))  # RFC 6928
        self.assertEqual((ours["in_flight"], ours["unacked"], ours["retrans"]), ("0", "0", "0"))
        self.assertEqual(ours["words"][:3], ["cubic", "open", "slow-start"])
        rtt, variation = map(float, ours["rtt"].split("/"))
        self.assertTrue(0 < float(ours["minrtt"]) <= rtt * 8 and variation >= 0, ours)
        self.assertGreaterEqual(float(ours["rto"]), 200)
        peer.leave()
        self.lab.wait_for_none(remote_port=port)

    def test_bytes_in_flight_are_those_the_peer_does_not_acknowledge(self):
        """Into a window that is closed before the last segments: what is unacknowledged is what waits there."""
        peer = Peer(self.lab)
        port = int(peer("connect", STACK, 19, 4096))
        lab.wait_until(lambda: self.stack_info(port)["snd_wnd"] == "0", "the kernel's window is closed")
        self.assertGreater(int(self.stack_info(port)["bytes_acked"]), 0)
        peer.leave()
        self.lab.wait_for_none(remote_port=port)

    def test_json_is_the_same_table(self):
        peer = Peer(self.lab)
        port = int(peer("connect", STACK, 7))
        row = self.lab.wait_for_connection("ESTABLISHED", remote_port=port)
        done = self.assert_ok(self.lab.glass("netstat", "-a", "--json"))
        objects = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual(len(objects), len(self.lines("-an")))
        ours = next(o for o in objects if o["remote_port"] == port)
        self.assertEqual((ours["proto"], f'{ours["local_addr"]}:{ours["local_port"]}', ours["remote_addr"],
                          ours["state"], ours["pid"], ours["program"]),
                         ("tcp", row.local, KERNEL, "ESTABLISHED", row.pid, row.program))
        self.assertEqual(str(ours["tcp"]["mss"]), self.kernel_info(port)["mss"])
        listener = next(o for o in objects if o["state"] == "LISTEN" and o["local_port"] == 80)
        self.assertEqual((listener["remote_addr"], listener["remote_port"], "tcp" in listener), (None, None, False))
        peer.leave()
        self.lab.wait_for_none(remote_port=port)


class BadLink(lab.Test):
    """Losses show in what -i says."""
    lab_arguments = ("--link", "loss=10%,seed=7", "--tcp", "congestion=reno")

    def test_what_was_sent_again_is_counted(self):
        peer = Peer(self.lab)
        port = int(peer("connect", STACK, 19))
        peer("receive", 200_000)

        def info():
            objects = [json.loads(line) for line in self.lab.glass("netstat", "--json").out.splitlines()]
            return next((o["tcp"] for o in objects if o["remote_port"] == port and "tcp" in o), None)

        tcp = info()
        self.assertGreater(tcp["retransmitted"], 0)
        self.assertEqual(tcp["congestion"], "reno")
        self.assertIsNotNone(tcp["ssthresh"])  # a loss has set it
        self.assertIn(tcp["congestion_state"], ("open", "recovery", "loss"))
        self.assertLessEqual(tcp["in_flight"], tcp["unacknowledged"])
        peer("reset")


if __name__ == "__main__":
    lab.main()
