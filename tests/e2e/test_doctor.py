"""glass doctor: what it says of this machine, against what the machine says; and of a machine that lacks something."""
import os
import re
import shutil
import unittest

import lab
from lab import GLASS, Lab, Place

NOBODY = 65534


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)

    def doctor(self, code, wrap=(), **env):
        """{what: (verdict, text)}; every line but the last is of that form."""
        environment = {**self.place.env, **env}
        done = lab.run([*wrap, GLASS, "doctor"], env=environment)
        self.assertEqual((done.code, done.err), (code, ""), str(done))
        *lines, last = done.out.splitlines()
        self.assertEqual(last, "Something that glass needs is missing." if code else "All that glass needs is there.")
        found = {}
        for line in lines:
            match = re.fullmatch(r"(ok|note|MISSING) +(\S+(?: \S+)?)  +(.*)", line)
            self.assertTrue(match, line)
            found.setdefault(match[2], []).append((match[1], match[3]))
        return {what: verdicts[0] for what, verdicts in found.items()} | {"stacks": found["stack"]}

    def test_this_machine_has_all_since_the_tests_run(self):
        found = self.doctor(0)
        self.assertEqual(found["TUN node"][0], "ok")
        self.assertEqual(found["laboratory"][0], "ok")
        with open("/proc/sys/user/max_user_namespaces") as file:
            self.assertIn(f"user.max_user_namespaces {file.read().strip()},", found["user namespaces"][1])

    def test_tools_are_found_where_the_shell_finds_them(self):
        found = self.doctor(0)
        for tool in ("curl", "ping", "nc", "tshark", "wireshark", "gdb", "tcpdump", "python3"):
            path = shutil.which(tool, path=self.place.env["PATH"])
            self.assertEqual(found[tool][0], "ok" if path else "note", tool)
            if path:
                self.assertEqual(found[tool][1], path)

    def test_a_folder_is_no_tool(self):
        folder = self.place.file("front")
        os.makedirs(os.path.join(folder, "gdb"))
        found = self.doctor(0, PATH=f"{folder}:{self.place.env['PATH']}")
        path = shutil.which("gdb", path=self.place.env["PATH"])
        self.assertEqual(found["gdb"][0], "ok" if path else "note")
        self.assertNotIn(folder, found["gdb"][1])

    def test_a_missing_tool_is_named_with_its_package(self):
        found = self.doctor(0, PATH=self.place.path)
        self.assertEqual(found["ping"][0] == "note", not os.path.exists("/usr/sbin/ping"))
        self.assertIn("apt-get install iputils-ping", found["ping"][1])

    def test_another_node(self):
        found = self.doctor(1, GLASS_TUN=self.place.file("no-node"))
        verdict, text = found["TUN node"]
        self.assertEqual(verdict, "MISSING")
        self.assertIn(self.place.file("no-node"), text)
        self.assertIn("mknod", text)
        self.assertIn("GLASS_TUN", text)
        self.assertEqual(found["laboratory"][0], "ok")
        self.assertEqual(self.doctor(1, GLASS_TUN="/dev/null")["laboratory"][0], "MISSING")  # no TUN driver's node

    def test_no_network_namespaces(self):
        wrap = ("unshare", "--user", "--map-root-user", "sh", "-c",
                "echo 0 >/proc/sys/user/max_net_namespaces && exec \"$@\"", "sh")
        if lab.run([*wrap, "true"]).code != 0:
            self.skipTest("no user namespace to forbid it in")
        self.assertEqual(self.doctor(1, wrap)["laboratory"][0], "MISSING")

    def test_running_stacks_are_listed(self):
        with Lab(place=self.place) as running:
            stacks = self.doctor(0)["stacks"]
            self.assertIn(("ok", f"{running.name} runs as process {running.process.pid} on {lab.STACK}"), stacks)
        self.assertNotIn(running.name, str(self.doctor(0)["stacks"]))

    def test_wrong_arguments(self):
        done = self.place.glass("doctor", "surplus")
        self.assertEqual((done.code, done.out, done.err.count("\n")), (2, "", 1), str(done))


class OrdinaryUser(unittest.TestCase):
    """Somebody without any rights."""

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.runtime = self.place.file("his")
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        os.chmod(self.place.path, 0o711)
        os.mkdir(self.runtime, 0o700)
        os.chown(self.runtime, NOBODY, NOBODY)
        self.wrap = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        if lab.run([*self.wrap, GLASS, "--version"]).code != 0:
            self.skipTest("another user may not run this program")

    def run_as(self, *arguments, **env):
        return lab.run([*self.wrap, GLASS, *arguments],
                       env={**self.place.env, "XDG_RUNTIME_DIR": self.runtime, **env}, cwd="/")

    def test_a_node_that_is_not_for_him(self):
        node = self.place.file("closed")
        with open(node, "w"):
            os.chmod(node, 0o600)
        done = self.run_as("doctor", GLASS_TUN=node)
        self.assertEqual((done.code, done.err), (1, ""), str(done))
        self.assertRegex(done.out, rf"(?m)^MISSING +TUN node +{re.escape(node)} may not be opened \(mode 0600\)")
        self.assertRegex(done.out, r"(?m)^note +rights +an ordinary user, without CAP_NET_ADMIN")
        verdict = re.search(r"(?m)^(\w+) +user namespaces ", done.out)[1]
        possible = lab.run([*self.wrap, "unshare", "--user", "true"]).code == 0
        self.assertEqual(verdict, "ok" if possible else "MISSING")

    def test_a_stack_of_root_is_found_and_out_of_reach(self):
        """Root's stack where root's stacks are by default; the kernel lists its socket for everybody."""
        root = Lab(place=self.place)
        root.place.env.pop("XDG_RUNTIME_DIR")
        with root:
            done = self.run_as("netstat")
            self.assertEqual((done.code, done.out, done.err.count("\n")), (1, "", 1), str(done))
            listed = self.run_as("doctor").out
            self.assertRegex(listed, rf"(?m)^note +stack +a stack named {root.name} of user root runs: use sudo$")

    def node_for_all(self):
        node = self.place.file("node")
        try:
            os.mknod(node, 0o20666, os.makedev(10, 200))
            os.chmod(node, 0o666)
            os.close(os.open(node, os.O_RDWR))
        except OSError as error:
            self.skipTest(f"no node that all may open: {error}")
        if lab.run([*self.wrap, "unshare", "--user", "--net", "true"]).code != 0:
            self.skipTest("no user namespaces for ordinary users")
        return node

    def test_his_own_stack_needs_no_rights(self):
        node = self.node_for_all()
        done = self.run_as("doctor", GLASS_TUN=node)
        self.assertEqual(done.code, 0, str(done))
        self.assertRegex(done.out, r"(?m)^ok +laboratory ")
        mine, his = Place(), Place()  # root's and his
        self.addCleanup(mine.remove)
        his.runtime = self.runtime
        his.env.update(XDG_RUNTIME_DIR=self.runtime, GLASS_TUN=node)
        self.addCleanup(his.remove)
        os.chmod(his.path, 0o755)
        with Lab(place=his, wrap=self.wrap) as running:
            self.assertIn(f"on {lab.STACK}", self.run_as("doctor", GLASS_TUN=node).out)
            listed = self.run_as("netstat", "-tln", "--name", running.name)
            self.assertEqual((listed.code, listed.err), (0, ""), str(listed))
            self.assertIn(f"{running.process.pid}/", listed.out)
            done = self.run_as("exec", "--name", running.name, "--", "curl", "-sS", "-o", "/dev/null", "-w",
                               "%{http_code}", f"http://{lab.STACK}/")
            self.assertEqual((done.code, done.out), (0, "200"), str(done))
            self.assertRegex(mine.glass("doctor").out,
                             rf"(?m)^note +stack +a stack named {running.name} of user (\S+) runs: only as \1 can it")


if __name__ == "__main__":
    lab.main()
