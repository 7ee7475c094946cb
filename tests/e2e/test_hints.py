"""What the command line says beside its results: help everywhere, hints that can be typed, and a clear line when nothing
can answer."""
import os
import re
import unittest

import lab
from lab import GLASS, KERNEL, STACK, Lab, Peer, Place


def commands():
    """The names in the list of glass --help."""
    done = lab.run([GLASS, "--help"])
    return [name for name in re.findall(r"(?m)^  ([a-z]+) +\S", done.out) if name != "help"]


class Help(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)

    def test_help_h_and_dash_dash_help_are_one(self):
        self.assertGreaterEqual(len(commands()), 10)
        for command in commands():
            with self.subTest(command=command):
                texts = [self.place.glass(*words) for words in ((command, "--help"), (command, "-h"),
                                                                ("help", command))]
                for done in texts:
                    self.assertEqual((done.code, done.err, done.out), (0, "", texts[0].out), str(done))

    def test_help_alone_lists_the_commands(self):
        done = self.place.glass("help")
        self.assertEqual((done.code, done.err), (0, ""), str(done))
        self.assertEqual(done.out, self.place.glass("--help").out)

    def test_help_of_nothing(self):
        for words, named in ((("help", "nonsense"), "'nonsense'"), (("help", "up", "down"), "COMMAND")):
            done = self.place.glass(*words)
            self.assertEqual((done.code, done.out, done.err.count("\n")), (2, "", 1), str(done))
            self.assertIn(named, done.err)

    def test_hints_name_the_program_as_it_was_called(self):
        bin_folder = self.place.file("bin")
        os.mkdir(bin_folder)
        os.symlink(GLASS, os.path.join(bin_folder, "glass"))
        for called, env, cwd in (("glass", {"PATH": bin_folder}, None), ("bin/glass", {}, self.place.path),
                                 (GLASS, {}, None)):
            for words, hint in ((("netstat", "--name", "lab7"), f"{called} up --name lab7\n"),
                                (("netstat",), f"{called} up\n"), (("netstat", "x"), f"(see {called} netstat --help)"),
                                (("nonsense",), f"(see {called} --help)")):
                done = lab.run([called, *words], env={**self.place.env, **env}, cwd=cwd)
                self.assertIn(hint, done.err)
        with Lab(place=self.place) as running:
            self.assertIn(f"{GLASS} exec --name {running.name} -- curl http", running.ready)
            self.assertTrue(running.ready.endswith(f"{GLASS} down --name {running.name}"), running.ready)

    def test_stacks_under_other_names_are_listed(self):
        with Lab(place=self.place) as running:
            for words in (["down"], ["netstat"], ["get", f"http://{KERNEL}/"], ["nc", KERNEL, "7"], ["ping", KERNEL],
                          ["exec", "true"], ["ports", "--name", "none"]):
                done = self.place.glass(*words)
                self.assertEqual((done.code, done.out, done.err.count("\n")), (1, "", 1), str(done))
                self.assertIn(f"a stack named {running.name} runs: use --name {running.name};", done.err)
            elsewhere = Place()
            self.addCleanup(elsewhere.remove)
            done = elsewhere.glass("netstat")
            self.assertEqual(done.err.count("\n"), 1, done.err)

    def test_a_dead_stack_is_not_listed(self):
        place, dead = lab.dead_stack(self)
        self.assertNotIn(dead.name, place.glass("netstat").err)


class NoWayOut(lab.Test):
    def assert_said(self, done, text):
        self.assertEqual((done.code, done.out, done.err.count("\n")), (1, "", 1), str(done))
        self.assertIn(text, done.err)

    def test_an_address_outside_is_refused_at_once(self):
        text = "192.0.2.1 is not in the laboratory's network 10.7.0.0/24, and the laboratory has no way out"
        self.assert_said(self.lab.glass("ping", "-c", 1, "192.0.2.1"), text)
        self.assert_said(self.lab.glass("get", "http://192.0.2.1/"), text)
        self.assert_said(self.lab.glass("nc", "192.0.2.1", 80), text)
        self.assert_said(self.lab.glass("nc", "-u", "192.0.2.1", 53), text)
        self.assertEqual(self.lab.exec("ip", "route", "get", "192.0.2.1").code, 2)  # the kernel says the same

    def test_loopback_is_nobody_elses(self):
        self.assert_said(self.lab.glass("nc", "127.0.0.1", 80), "loopback")

    def test_addresses_that_can_answer_are_asked(self):
        self.assert_ok(self.lab.exec("ip", "address", "add", "198.51.100.7/32", "dev", "lo"))
        self.assert_ok(self.lab.glass("ping", "-c", 1, "198.51.100.7"))
        self.assert_ok(self.lab.glass("ping", "-c", 1, KERNEL))
        self.assert_ok(self.lab.glass("get", f"http://{STACK}/"))

    def test_a_route_without_forwarding_leads_nowhere(self):
        self.assert_ok(self.lab.exec("ip", "route", "add", "203.0.113.0/24", "dev", "lo"))
        forwards = self.lab.exec("cat", "/proc/sys/net/ipv4/ip_forward").out.strip()
        done = self.lab.glass("nc", "-w", 1, "203.0.113.5", 80)
        self.assertEqual(done.code, 1, str(done))
        if forwards == "0":
            self.assert_said(done, "forwards nothing")

    def test_silence_is_said(self):
        nc = self.lab.start_glass("nc", "10.7.0.99", 80)
        said = lab.Output(nc.stderr)
        nc.stderr = None
        self.assertIn("10.7.0.99 port 80: no answer for 3 s", said.wait_for("no answer")[0])
        nc.terminate()
        done = self.lab.glass("ping", "-c", 1, "-W", 4, "10.7.0.99")
        self.assertEqual((done.code, done.err.count("\n")), (1, 1), str(done))
        self.assertIn("10.7.0.99 has not answered for 3 s", done.err)

    def test_nc_takes_N(self):
        peer = Peer(self.lab)
        nc = self.lab.start_glass("nc", "-N", KERNEL, peer("listen"))
        peer("accept")
        nc.stdin.write(b"to the end")
        nc.stdin.close()
        nc.stdin = None
        self.assertEqual(peer("drain").split()[0], "10")  # the FIN came
        peer("close")
        self.assert_ok(lab.finish(nc))

    def test_a_proxy_is_not_asked_for_the_laboratory(self):
        env = {**self.place.env, "http_proxy": "http://192.0.2.1:3128", "no_proxy": "example.org"}
        command = self.lab.beside(["curl", "-sS", "--max-time", "10", "-o", self.place.file("page"), "-w",
                                   "%{http_code}", f"http://{STACK}/"])
        done = self.assert_ok(lab.run(command, env=env))
        self.assertEqual(done.out, "200")
        done = lab.run(self.lab.beside(["printenv", "no_proxy", "NO_PROXY"]), env=env)
        for line, own in zip(done.out.splitlines(), (["example.org"], [])):
            self.assertEqual(sorted(line.split(",")), sorted([*own, STACK, KERNEL, "127.0.0.1", *(
                ["198.51.100.7"] if "198.51.100.7" in line else [])]))


if __name__ == "__main__":
    lab.main()
