"""Transfers over bad links: --link, and what the kernel's packet filter drops on the TUN device."""
import os
import shutil
import subprocess
import unittest

import capture
import lab
from lab import KERNEL, LONG, STACK, Lab, sha256_of

SIZE = lab.scaled(100_000_000)
FEW = lab.scaled(3_000_000)
NFT = shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Link(unittest.TestCase):
    def setUp(self):
        self.place = lab.Place()
        self.addCleanup(self.place.remove)
        self.www = self.place.file("www")
        os.mkdir(self.www)

    def file(self, size):
        return lab.make_file(os.path.join(self.www, "large"), size)

    def download(self, running, total):
        got = self.place.file("down")
        done = running.curl(f"http://{STACK}/large", "-o", got, patience=LONG)
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(sha256_of(got), total)

    def upload(self, running, total):
        """The kernel sends, the stack receives."""
        got = self.place.file("up")
        server = running.start_client("http_serve", self.www, stderr=subprocess.DEVNULL)
        url = f"http://{KERNEL}:{int(server.stdout.readline())}/large"
        done = running.glass("get", "-o", got, url, patience=LONG)
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(sha256_of(got), total)

    def test_curl_through_a_link_with_every_fault(self):
        total = self.file(FEW)
        faults = "loss=1%,delay=5ms,jitter=2ms,reorder=0.5%,dup=0.5%,corrupt=0.5%,rate=50mbit,queue=64,seed=3"
        with Lab("--www", self.www, "--link", faults, place=self.place, capture=True) as running:
            self.download(running, total)
            self.upload(running, total)
            counters = running.counters()
        if FEW >= 3_000_000:  # 2000 segments each way: none of this can fail to happen
            for way in ("Link to the stack", "Link to the kernel"):
                for what in ("lost", "corrupted by a bit", "duplicated", "held back behind others"):
                    self.assertGreater(counters[way].get(what, 0), 0, f"{way}: {what}")
            self.assertGreater(counters["Tcp"]["segments retransmitted"], 0)
            bad = counters["Tcp"]["bad segments received"] + counters["Ip"].get("with invalid headers", 0)
            self.assertGreater(bad, 0)
        self.assertEqual(len([line for line in running.output.lines if line.startswith("glass: link to")]), 2)
        # The capture is the stack's side: what it sent and the link lost is in it.
        sent = len(capture.fields(running.capture, f"ip.src == {STACK}", "frame.number"))
        self.assertGreaterEqual(sent, counters["Link to the kernel"]["datagrams went in"])

    def test_a_delay_is_seen_by_ping(self):
        with Lab("--link", "delay=30ms") as running:
            done = running.exec("ping", "-n", "-q", "-c", 3, "-i", 0.2, STACK)
            self.assertEqual(done.code, 0, str(done))
            least = float(done.out.rpartition(" = ")[2].split("/")[0])
            self.assertGreaterEqual(least, 60)
            self.assertLess(least, 120)

    def test_a_dead_link_carries_nothing_and_the_stack_ends(self):
        with Lab("--link", "loss=100%") as running:
            self.assertEqual(running.exec("ping", "-n", "-q", "-c", 2, "-i", 0.2, "-W", 1, STACK).code, 1)
            counters = running.counters()
            self.assertEqual(counters["Ip"]["total packets received"], 0)
            self.assertEqual(counters["Link to the stack"]["lost"], counters["Link to the stack"]["datagrams went in"])

    def test_each_lesson_setting_still_transfers(self):
        """What a lesson may turn off: the transfer is slower, and whole."""
        total = self.file(lab.scaled(1_000_000))
        for settings in ("sack=off,rack=off", "sack=off,congestion=reno,timestamps=off", "rack=off", "prr=off,frto=off",
                         "window-scale=off,ecn=off,tlp=off", "delayed-ack=0,initial-window=1seg,autotune=off"):
            arguments = ("--www", self.www, "--tcp", settings, "--link", "loss=2%,delay=2ms")
            with self.subTest(settings=settings), Lab(*arguments, place=self.place) as running:
                self.download(running, total)

    def test_timestamps_off_are_not_offered(self):
        with Lab("--tcp", "timestamps=off,sack=off,window-scale=off", capture=True, place=self.place) as running:
            self.assertEqual(running.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)
        offers = capture.fields(running.capture, f"tcp.flags.syn == 1 && ip.src == {STACK}", "tcp.options")
        self.assertEqual(offers, [["020405b4"]])

    @staticmethod
    def is_cat(pid):
        with open(f"/proc/{pid}/comm") as file:
            return file.read() == "cat\n"

    def third_namespace(self, running):
        """The kernel behind a router, 10.9.0.2: what the router's forward hook drops is lost for both ends. (What a
        kernel's own output hook drops is no loss: its TCP is told at once.) The words that run a program there."""
        keeper = running.start("unshare", "--net", "cat")
        ours = os.readlink(f"/proc/{running.process.pid}/ns/net")
        lab.wait_until(lambda: self.is_cat(keeper.pid) and os.readlink(f"/proc/{keeper.pid}/ns/net") != ours,
                       "a third namespace")
        inside = ["nsenter", f"--net=/proc/{keeper.pid}/ns/net"]
        for command in ("echo 1 >/proc/sys/net/ipv4/ip_forward",
                        f"ip link add veth0 type veth peer name veth1 netns {keeper.pid}",
                        "ip address add 10.9.0.1/24 dev veth0 && ip link set veth0 up",
                        f"{' '.join(inside)} sh -c 'ip address add 10.9.0.2/24 dev veth1 && ip link set veth1 up && "
                        "ip route add default via 10.9.0.1'",
                        "nft 'add table ip bad; add chain ip bad f { type filter hook forward priority 0; }; "
                        "add rule ip bad f numgen random mod 100 < 2 counter drop'"):
            done = running.exec("sh", "-c", command)
            if done.code != 0:
                self.skipTest(f"{command}: {done.err.strip()}")
        return inside

    @unittest.skipUnless(NFT, "nft(8) is not installed")
    def test_100_mb_each_way_with_2_percent_dropped_by_nft(self):
        total = self.file(SIZE)
        with Lab("--www", self.www, place=self.place) as running:
            inside = self.third_namespace(running)
            got = self.place.file("down")
            done = running.exec(*inside, "curl", "-sS", f"http://{STACK}/large", "-o", got, patience=LONG)
            self.assertEqual((done.code, sha256_of(got)), (0, total), str(done))
            done = running.exec(*inside, *lab.client("echo"), STACK, 7, os.path.join(self.www, "large"), patience=LONG)
            self.assertEqual(done.out.split(), [str(SIZE), total, total], str(done))
            done = running.exec("nft", "list", "table", "ip", "bad")
            self.assertRegex(done.out, r"counter packets [1-9]")
            self.assertGreater(running.counters()["Tcp"]["segments retransmitted"], 0)

    def test_an_upload_through_a_link_that_loses_2_percent(self):
        with Lab("--www", self.www, "--link", "loss=2%", place=self.place) as running:
            self.upload(running, self.file(SIZE))
            self.assertGreater(running.counters()["Link to the stack"]["lost"], 0)


if __name__ == "__main__":
    lab.main()
