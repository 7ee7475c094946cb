"""Other addresses, sizes of the link, ports and devices."""
import os
import shutil
import sys
import unittest

import capture
import lab
from lab import HERE, STACK, Lab, Peer


class Mtu(unittest.TestCase):
    def check(self, mtu, mss):
        place = lab.Place()
        self.addCleanup(place.remove)
        www = place.file("www")
        os.mkdir(www)
        total = lab.make_file(os.path.join(www, "data"), 1_000_000)
        with Lab("--mtu", mtu, "--offload", "off", "--www", www, place=place, capture=True) as running:
            got = place.file("got")
            done = running.curl(f"http://{STACK}/data", "-o", got)
            self.assertEqual(done.code, 0, str(done))
            self.assertEqual(lab.sha256_of(got), total)
            done = running.client("echo", STACK, 7, os.path.join(www, "data"))
            self.assertEqual(done.out.split(), ["1000000", total, total], str(done))
            for size in (1, 1400, 9000):
                done = running.exec("ping", "-n", "-c", 1, "-W", 5, "-s", size, STACK)
                self.assertEqual(done.code, 0, str(done))
            done = running.client("udp_echo", STACK, 7, 0, 1472, 20000)
            self.assertEqual(done.out, "0 equal\n1472 equal\n20000 equal\n", str(done))
        capture.check(running.capture, clean=False)
        lengths = [int(row[0]) for row in capture.fields(running.capture, f"ip.src == {STACK}", "ip.len")]
        self.assertLessEqual(max(lengths), mtu)
        offers = capture.fields(running.capture, f"tcp.flags.syn == 1 && ip.src == {STACK}", "tcp.options.mss_val")
        self.assertEqual(offers, 2 * [[str(mss)]])

    def test_576(self):
        self.check(576, 536)

    def test_9000(self):
        self.check(9000, 8960)

    def test_65535(self):
        self.check(65535, 65495)

    def test_the_smallest(self):
        """68 bytes, RFC 791 3.2: every datagram of a ping in three pieces."""
        with Lab("--mtu", 68) as running:
            done = running.exec("ping", "-n", "-c", 1, "-W", 5, "-s", 100, STACK)
            self.assertEqual(done.code, 0, str(done))


class Services(unittest.TestCase):
    def test_a_service_at_another_port(self):
        with Lab("--service", "echo=7777", "--service", "http=8080") as running:
            self.assertIn(":8080/", running.ready)
            self.assertEqual(running.exec("nc", "-N", STACK, 7777, data=b"hello").out, "hello")
            self.assertEqual(running.client("udp_echo", STACK, 7777, 10).out, "10 equal\n")
            self.assertEqual(running.curl("-o", "/dev/null", f"http://{STACK}:8080/").code, 0)
            peer = Peer(running)
            peer.tell("connect", STACK, 7)
            self.assertEqual(peer.answer(), "error ECONNREFUSED")
            self.assertEqual(running.client("udp_refused", STACK, 7).out, "ECONNREFUSED\n")
            # A moved service is still a service: none answers another.
            self.assertEqual(running.client("udp_silent", STACK, 7777, 7777, 7777).out, "silent\n")

    def test_a_service_switched_off(self):
        with Lab("--service", "http=off", "--service", "chargen=off") as running:
            self.assertEqual(running.curl(f"http://{STACK}/").code, 7)
            self.assertEqual(running.client("udp_refused", STACK, 19).out, "ECONNREFUSED\n")
            self.assertEqual(running.exec("nc", "-N", STACK, 7, data=b"hello").out, "hello")
            self.assertEqual({row.local_port for row in running.netstat() if row.state == "LISTEN"}, {7, 9, 13})

    def test_two_services_change_places(self):
        with Lab("--service", "echo=off", "--service", "discard=7", "--service", "echo=9") as running:
            self.assertEqual(running.exec("nc", "-N", STACK, 9, data=b"hello").out, "hello")
            self.assertEqual(running.exec("nc", "-N", STACK, 7, data=b"hello").out, "")


class Address(unittest.TestCase):
    def check(self, given, stack, kernel):
        with Lab("--ip", given) as running:
            self.assertIn(f"{stack} is up", running.ready)
            self.assertEqual(running.curl("-o", "/dev/null", f"http://{stack}/").code, 0)
            self.assertEqual(running.glass("ping", "-c", 1, kernel).code, 0)
            self.assertIn(f" {kernel}/", running.exec("ip", "-4", "address", "show", "dev", "glass0").out)

    def test_another_network(self):
        self.check("192.168.77.2/24", "192.168.77.2", "192.168.77.1")

    def test_the_first_address(self):
        self.check("172.16.0.1/12", "172.16.0.1", "172.16.0.2")

    def test_a_network_of_two(self):
        self.check("10.1.2.2/30", "10.1.2.2", "10.1.2.1")

    def test_another_device_name(self):
        with Lab("--tun", "wire7") as running:
            self.assertIn("up on wire7", running.ready)
            self.assertEqual(running.exec("ip", "link", "show", "dev", "wire7").code, 0)


class Host(unittest.TestCase):
    """--host, in a network namespace that this test makes: never in the machine's own."""

    ALONE = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--net")

    def setUp(self):
        if not shutil.which("unshare"):
            self.skipTest("unshare(1) is not installed")
        done = lab.run([*self.ALONE, "true"])
        if done.code != 0:
            self.skipTest(f"no network namespace of our own: {done.err.strip()}")

    def wrap(self, *commands):
        """Runs the commands in a new namespace, then glass up in the same."""
        script = " && ".join(["ip link set lo up", *commands, 'exec "$@"'])
        return [*self.ALONE, "sh", "-c", script, "sh"]

    def make_device(self, name):
        if os.access("/dev/net/tun", os.R_OK | os.W_OK) and not os.environ.get("GLASS_TUN"):
            return f"ip tuntap add dev {name} mode tun"
        return f"{sys.executable} -B {HERE}/clients/tun_persist.py {name}"

    def test_an_existing_device_is_used_as_it_is(self):
        wrap = self.wrap(self.make_device("tape0"), "ip address add 10.9.8.1/24 dev tape0",
                         "ip link set tape0 mtu 1300 up")
        with Lab("--host", "--tun", "tape0", "--ip", "10.9.8.7/24", wrap=wrap, capture=True) as running:
            self.assertIn("10.9.8.7 is up on tape0", running.ready)
            self.assertEqual(running.curl("-o", "/dev/null", "http://10.9.8.7/").code, 0)
            witness = Peer(running)
            self.assertIn("tape0", witness("devices").split())
            running.process.send_signal(lab.signal.SIGINT)
            running.assert_ended(0)
            offers = capture.fields(running.capture, "tcp.flags.syn == 1 && ip.src == 10.9.8.7", "tcp.options.mss_val")
            self.assertEqual(offers, [["1260"]])
            self.assertIn("tape0", witness("devices").split())  # it was there before, it stays

    def test_an_address_outside_the_devices_network_is_refused(self):
        wrap = self.wrap(self.make_device("tape1"), "ip address add 10.9.8.1/24 dev tape1", "ip link set tape1 up")
        place = lab.Place()
        self.addCleanup(place.remove)
        done = lab.run([*wrap, lab.GLASS, "up", "--host", "--tun", "tape1"], env=place.env)
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("10.9.8.1/24", done.err)

    def test_a_new_device_where_there_is_none(self):
        with Lab("--host", wrap=self.wrap()) as running:
            self.assertEqual(running.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)
            witness = Peer(running)
            self.assertIn("glass0", witness("devices").split())
            running.process.send_signal(lab.signal.SIGINT)
            running.assert_ended(0)
            self.assertNotIn("glass0", witness("devices").split())

    def test_a_name_that_is_taken_is_refused(self):
        place = lab.Place()
        self.addCleanup(place.remove)
        done = lab.run([*self.wrap(), lab.GLASS, "up", "--host", "--tun", "lo"], env=place.env)
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("lo", done.err)


if __name__ == "__main__":
    lab.main()
