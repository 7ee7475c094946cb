"""Bulk transfers, byte for byte, and many clients at once."""
import os
import subprocess

import lab
from lab import KERNEL, LONG, STACK, sha256_of

SIZE = lab.scaled(200_000_000)
CROWD = 200


class Bulk(lab.Test):
    @classmethod
    def arrange(cls):
        cls.www = cls.place.file("www")
        os.mkdir(cls.www)
        cls.sum = lab.make_file(os.path.join(cls.www, "large"), SIZE)
        for i in range(CROWD):
            with open(os.path.join(cls.www, str(i)), "w") as file:
                file.write(f"this is file {i}\n" * (i + 1))
        cls.lab_arguments = ("--www", cls.www)

    @classmethod
    def begin(cls):
        server = cls.lab.start_client("http_serve", cls.www, stderr=subprocess.DEVNULL)
        cls.url = f"http://{KERNEL}:{int(server.stdout.readline())}/large"

    def test_200_mb_down_arrive_whole(self):
        got = self.place.file("down")
        done = self.lab.curl(f"http://{STACK}/large", "-o", got, patience=LONG)
        self.assert_ok(done)
        self.assertEqual(os.path.getsize(got), SIZE)
        self.assertEqual(sha256_of(got), self.sum)

    def test_200_mb_up_arrive_whole(self):
        """The kernel sends, the stack receives: glass get from Python's server."""
        got = self.place.file("up")
        self.assert_ok(self.lab.glass("get", "-o", got, self.url, patience=LONG))
        self.assertEqual(os.path.getsize(got), SIZE)
        self.assertEqual(sha256_of(got), self.sum)

    def test_200_mb_in_both_directions_of_one_connection(self):
        done = self.assert_ok(self.lab.client("echo", STACK, 7, os.path.join(self.www, "large"), patience=LONG))
        self.assertEqual(done.out.split(), [str(SIZE), self.sum, self.sum])

    def test_200_mb_to_discard_end_in_order(self):
        self.assert_ok(self.lab.exec("sh", "-c", f"exec nc -N {STACK} 9 <{self.www}/large", patience=LONG))
        self.lab.wait_for_none(local_port=9)

    def test_transfers_both_ways_at_once_do_not_disturb_each_other(self):
        down, up = self.place.file("both-down"), self.place.file("both-up")
        running = [self.lab.start("curl", "-sS", f"http://{STACK}/large", "-o", down),
                   self.lab.start_client("echo", STACK, 7, os.path.join(self.www, "large")),
                   self.lab.start_glass("get", "-o", up, self.url)]
        for process in running:
            self.assert_ok(lab.finish(process, patience=LONG))
        self.assertEqual((sha256_of(down), sha256_of(up)), (self.sum, self.sum))

    def test_200_http_clients_at_once(self):
        done = self.assert_ok(self.lab.client("crowd", STACK, 80, CROWD, "http", patience=LONG))
        self.assertEqual(done.out, f"{CROWD} right\n")
        self.lab.wait_for_none(local_port=80)

    def test_200_echo_clients_at_once(self):
        done = self.assert_ok(self.lab.client("crowd", STACK, 7, CROWD, "echo", patience=LONG))
        self.assertEqual(done.out, f"{CROWD} right\n")
        self.lab.wait_for_none(local_port=7)


if __name__ == "__main__":
    lab.main()
