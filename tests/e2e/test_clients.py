"""Programs on the stack: glass nc, get and ping against the kernel's servers."""
import os
import subprocess

import lab
from lab import KERNEL, STACK, Peer

SIZE = lab.scaled(20_000_000)


class Clients(lab.Test):
    @classmethod
    def arrange(cls):
        cls.www = cls.place.file("www")
        os.mkdir(cls.www)
        cls.sum = lab.make_file(os.path.join(cls.www, "data.bin"), SIZE)
        cls.data = os.path.join(cls.www, "data.bin")

    @classmethod
    def begin(cls):
        server = cls.lab.start_client("http_serve", cls.www, stderr=subprocess.DEVNULL)
        cls.url = f"http://{KERNEL}:{int(server.stdout.readline())}"

    def listener(self):
        peer = Peer(self.lab)
        return peer, peer("listen")

    def connected(self, **options):
        """A kernel peer and a running glass nc at the two ends of one connection."""
        peer, port = self.listener()
        nc = self.lab.start_glass("nc", KERNEL, port, **options)
        host, dynamic = peer("accept").split()
        self.assertEqual(host, STACK)
        return peer, nc, int(port), int(dynamic)

    # --- glass nc ---

    def test_nc_talks_to_the_kernels_nc(self):
        peer, port = self.listener()  # only to find a free port
        peer.leave()
        server = self.lab.start("nc", "-l", "-N", KERNEL, port)
        lab.wait_until(lambda: f":{port} " in self.lab.exec("ss", "-Htln").out, "nc -l listens")
        client = self.lab.start_glass("nc", KERNEL, port)
        server.stdin.write(b"from the kernel\n")
        server.stdin.close()
        server.stdin = None
        done = self.assert_ok(lab.finish(client, b"from the stack\n"))
        self.assertEqual(done.out, "from the kernel\n")
        self.assertEqual(self.assert_ok(lab.finish(server)).out, "from the stack\n")

    def test_nc_sends_20_mb(self):
        with open(self.data, "rb") as data:
            peer, nc, *_ = self.connected(stdin=data)
        count, got = peer("drain", patience=lab.LONG).split()
        self.assertEqual((int(count), got), (SIZE, self.sum))
        peer("close")
        self.assert_ok(lab.finish(nc))

    def test_nc_receives_20_mb(self):
        got = self.place.file("nc-got")
        with open(got, "wb") as file:
            peer, nc, *_ = self.connected(stdout=file)
        sent = peer("send", SIZE, 7, patience=lab.LONG)
        peer("close")
        self.assert_ok(lab.finish(nc, patience=lab.LONG))
        self.assertEqual((os.path.getsize(got), lab.sha256_of(got)), (SIZE, sent))

    def test_nc_moves_20_mb_each_way_at_once(self):
        got = self.place.file("nc-both")
        with open(self.data, "rb") as data, open(got, "wb") as file:
            peer, nc, *_ = self.connected(stdin=data, stdout=file)
        sender = peer("send", SIZE, 8, patience=lab.LONG)
        peer("shut")
        count, received = peer("drain", patience=lab.LONG).split()
        self.assert_ok(lab.finish(nc, patience=lab.LONG))
        self.assertEqual((int(count), received), (SIZE, self.sum))
        self.assertEqual(lab.sha256_of(got), sender)

    def test_the_kernel_closes_its_half_first(self):
        peer, nc, port, _ = self.connected()
        peer("send", 5, 1)
        peer("shut")
        self.lab.wait_for_connection("CLOSE-WAIT", remote_port=port)
        nc.stdin.write(b"we may still send")
        nc.stdin.flush()
        peer("receive", len(b"we may still send"))
        self.assert_ok(lab.finish(nc))  # the end of its input: LAST-ACK, CLOSED
        self.assertEqual(peer("drain").split()[0], "0")
        self.lab.wait_for_none(remote_port=port)
        self.assertEqual(self.lab.connections(remote_port=port), [])  # who closes last has no TIME-WAIT

    def test_the_stack_closes_its_half_first(self):
        peer, nc, port, _ = self.connected()
        nc.stdin.write(b"a question")
        nc.stdin.close()
        nc.stdin = None
        self.assertEqual(peer("drain").split()[0], "10")
        self.lab.wait_for_connection("FIN-WAIT-2", remote_port=port)
        sent = peer("send", 100_000, 3)
        peer("close")
        done = self.assert_ok(lab.finish(nc))
        self.assertEqual(lab.hashlib.sha256(done.out_bytes).hexdigest(), sent)
        row = self.lab.wait_for_connection("TIME-WAIT", remote_port=port)
        self.assertRegex(row.timer, r"^timewait \(")

    def test_a_connection_belongs_to_the_program_that_opened_it(self):
        peer, nc, port, dynamic = self.connected()
        row = self.lab.wait_for_connection("ESTABLISHED", remote_port=port)
        self.assertEqual((row.pid, row.program), (nc.pid, os.path.basename(lab.GLASS)[:15]))
        self.assertEqual((row.local, row.remote), (f"{STACK}:{dynamic}", f"{KERNEL}:{port}"))
        self.assertTrue(49152 <= dynamic <= 65535, dynamic)
        peer("close")
        self.assert_ok(lab.finish(nc))

    def test_dynamic_ports_change(self):
        ports = set()
        for _ in range(5):
            peer, nc, _, dynamic = self.connected()
            ports.add(dynamic)
            peer("close")
            self.assert_ok(lab.finish(nc))
        self.assertGreater(len(ports), 1)
        self.assertTrue(all(49152 <= port <= 65535 for port in ports), ports)

    def test_a_refused_port(self):
        peer, port = self.listener()
        peer.leave()
        done = self.lab.glass("nc", KERNEL, port)
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, rf"^glass nc: .*{KERNEL} port {port}: .*[Rr]efused")
        self.assertEqual(done.err.count("\n"), 1, done.err)

    def test_nobody_answers(self):
        nc = self.lab.start_glass("nc", "10.7.0.99", "80")
        row = self.lab.wait_for_connection("SYN-SENT", remote_port=80)
        self.assertEqual((row.pid, row.remote), (nc.pid, "10.7.0.99:80"))
        lab.wait_until(lambda: any(row.timer.startswith("on (") for row in self.lab.connections(remote_port=80)),
                       "the SYN has left and will be repeated")
        nc.terminate()
        nc.wait(lab.PATIENCE)
        lab.wait_until(lambda: not self.lab.connections(remote_port=80), "its connection is gone")
        done = self.lab.glass("nc", "-w", 1, "10.7.0.99", 80)
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"^glass nc: .*10\.7\.0\.99 port 80: .*timed out")

    def test_the_peer_resets(self):
        peer, nc, port, _ = self.connected()
        peer("reset")
        done = lab.finish(nc)
        self.assertEqual(done.code, 1)
        self.assertIn("reset", done.err)
        self.assertEqual(self.lab.connections(remote_port=port), [])

    def test_a_killed_client_lets_its_connection_go(self):
        peer, nc, port, _ = self.connected()
        nc.kill()
        nc.wait()
        peer.tell("drain")
        self.assertIn(peer.answer().split()[:2], (["ok", "0"], ["error", "ECONNRESET"]))
        peer("close")
        self.lab.wait_for_none(remote_port=port)

    def test_udp_by_nc(self):
        server = self.lab.start_client("udp_serve")
        port = int(server.stdout.readline())
        nc = self.lab.start_glass("nc", "-u", KERNEL, port)
        row = lab.wait_until(lambda: next((r for r in self.lab.netstat() if r.remote_port == port), None), "its socket")
        self.assertEqual((row.proto, row.pid), ("udp", nc.pid))
        self.assertTrue(49152 <= row.local_port <= 65535, row)
        nc.stdin.write(b"one datagram")
        nc.stdin.flush()
        self.assertEqual(os.read(nc.stdout.fileno(), 100), b"margatad eno")
        self.assert_ok(lab.finish(nc, b""))

    def test_udp_refused(self):
        server = self.lab.start_client("udp_serve")
        port = int(server.stdout.readline())
        server.kill()
        server.wait()
        nc = self.lab.start_glass("nc", "-u", KERNEL, port)
        nc.stdin.write(b"anybody?")
        nc.stdin.flush()
        nc.wait(lab.PATIENCE)
        done = lab.finish(nc)
        self.assertEqual(done.code, 1)
        self.assertIn("refused", done.err)

    # --- glass get ---

    def test_get_brings_a_file_whole(self):
        got = self.place.file("get-got")
        self.assert_ok(self.lab.glass("get", "-o", got, self.url + "/data.bin", patience=lab.LONG))
        self.assertEqual((os.path.getsize(got), lab.sha256_of(got)), (SIZE, self.sum))

    def test_get_to_standard_output(self):
        with open(os.path.join(self.www, "small"), "w") as file:
            file.write("small\n")
        self.assertEqual(self.assert_ok(self.lab.glass("get", self.url + "/small")).out, "small\n")

    def test_get_of_what_is_not_there(self):
        done = self.lab.glass("get", "-f", self.url + "/none")
        self.assertEqual((done.code, done.out), (22, ""))
        self.assertIn("404", done.err)

    def test_get_from_a_closed_port(self):
        done = self.lab.glass("get", f"http://{KERNEL}:1/")
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"^glass get: .*port 1: .*[Rr]efused")

    def test_get_from_the_stack_itself(self):
        """The stack is its own client and server: the datagrams never reach the wire."""
        self.assertIn("</html>", self.assert_ok(self.lab.glass("get", f"http://{STACK}/")).out)

    # --- glass ping ---

    def test_ping_the_kernel(self):
        for size in (0, 56, 1472, 1473, 8000, 60000):
            with self.subTest(size=size):
                done = self.assert_ok(self.lab.glass("ping", "-c", 2, "-i", "0.05", "-s", size, KERNEL))
                self.assertIn("2 packets transmitted, 2 received", done.out)
                self.assertNotIn("corrupted", done.out)

    def test_ping_of_nobody(self):
        done = self.lab.glass("ping", "-c", 1, "-W", 1, "10.7.0.99")
        self.assertEqual(done.code, 1)
        self.assertIn("1 packets transmitted, 0 received", done.out)

    def test_ping_ends_in_order_on_ctrl_c(self):
        ping = self.lab.start_glass("ping", KERNEL)
        output = lab.Output(ping.stdout)
        output.wait_for(r"bytes from .* icmp_seq=1")
        rows = [row for row in self.lab.netstat() if row.proto == "icmp"]
        self.assertEqual([row.pid for row in rows], [ping.pid])
        ping.send_signal(lab.signal.SIGINT)
        self.assertEqual(ping.wait(lab.PATIENCE), 0)
        output.wait_for("packets transmitted")


if __name__ == "__main__":
    lab.main()
