"""Clients that behave badly: the stack forgets them and goes on serving."""
import os

import lab
from lab import STACK, Peer


class Peers(lab.Test):
    lab_capture = True

    @classmethod
    def arrange(cls):
        www = cls.place.file("www")
        os.mkdir(www)
        lab.make_file(os.path.join(www, "large"), 20_000_000)
        cls.lab_arguments = ("--www", www)

    def assert_serves(self):
        done = self.assert_ok(self.lab.exec("nc", "-N", STACK, 7, data=b"still there?"))
        self.assertEqual(done.out, "still there?")

    def test_a_client_killed_while_it_downloads(self):
        curl = self.lab.start("curl", "-sS", "--limit-rate", "1M", f"http://{STACK}/large", "-o", "/dev/null")
        self.lab.wait_for_connection("ESTABLISHED", local_port=80)
        lab.wait_until(lambda: any(row.send > 0 for row in self.lab.connections(local_port=80)), "data on its way")
        curl.kill()
        curl.wait()
        self.lab.wait_for_none(local_port=80)
        self.assert_serves()

    def test_a_client_killed_with_unread_data(self):
        """Linux answers with a RST instead of a FIN (RFC 2525 2.17)."""
        peer = Peer(self.lab)
        port = peer("connect", STACK, 19)
        lab.wait_until(lambda: any(row.send > 0 for row in self.lab.connections(local_port=19)), "a full window")
        peer.kill()
        self.lab.wait_for_none(local_port=19)
        self.assertEqual(self.lab.connections(remote_port=int(port)), [])  # a reset leaves no TIME-WAIT
        self.assert_serves()

    def test_a_client_killed_while_it_sends(self):
        peer = Peer(self.lab)
        peer("connect", STACK, 7)
        self.assertGreater(int(peer("stuff")), 0)  # it never reads: both windows fill
        peer.kill()
        self.lab.wait_for_none(local_port=7)
        self.assert_serves()

    def test_a_client_that_resets(self):
        for port in (7, 9, 80):
            with self.subTest(port=port):
                peer = Peer(self.lab)
                peer("connect", STACK, port)
                self.lab.wait_for_connection("ESTABLISHED", local_port=port)
                peer("reset")
                lab.wait_until(lambda: not self.lab.connections(local_port=port), "no trace of it")
                peer.leave()
        self.assert_serves()

    def test_a_client_killed_before_it_said_anything(self):
        peer = Peer(self.lab)
        peer("connect", STACK, 80)
        self.lab.wait_for_connection("ESTABLISHED", local_port=80)
        peer.kill()
        self.lab.wait_for_none(local_port=80)
        self.assert_serves()

    def test_clients_that_say_nothing_do_not_hold_up_others(self):
        peers = [Peer(self.lab) for _ in range(3)]
        for peer in peers:
            peer("connect", STACK, 80)
        self.assert_ok(self.lab.curl(f"http://{STACK}/large", "-o", "/dev/null"))
        self.assertEqual(len([row for row in self.lab.connections(local_port=80) if row.state == "ESTABLISHED"]), 3)
        for peer in peers:
            peer.leave()
        self.lab.wait_for_none(local_port=80)

    def test_a_client_that_never_reads_closes_only_its_own_window(self):
        """Echo keeps nothing it cannot send: the client's own window goes to zero, everybody else's stays open."""
        peer = Peer(self.lab)
        peer("connect", STACK, 7)
        sent = int(peer("stuff"))
        self.lab.wait_for_connection("ESTABLISHED", local_port=7)
        self.assert_serves()
        peer("shut")
        count, _ = peer("drain", patience=lab.LONG).split()  # now it reads: all of it comes, then the FIN
        self.assertEqual(int(count), sent)
        peer.leave()
        self.lab.wait_for_none(local_port=7)


if __name__ == "__main__":
    lab.main()
