"""The glass command: help, wrong arguments, starting, stopping, and what is left behind."""
import fcntl
import os
import pty
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

import lab
from lab import GLASS, KERNEL, STACK, Lab, Peer, Place

COMMANDS = ("up", "exec", "down", "netstat", "ports", "doctor", "nc", "get", "ping", "demo", "lab")


class Arguments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)

    def test_help_of_each_command(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                done = self.place.glass(command, "--help")
                self.assertEqual((done.code, done.err), (0, ""), str(done))
                self.assertTrue(done.out.startswith(f"usage: glass {command}"), done.out)

    def test_tcp_help_lists_the_options(self):
        done = self.place.glass("up", "--tcp", "help")
        self.assertEqual((done.code, done.err), (0, ""), str(done))
        for expected in (r"^sack +on +on or off +RFC 2018", r"^delayed-ack +40ms ", r"^congestion +cubic +cubic or reno"):
            self.assertRegex(done.out, "(?m)" + expected)

    def test_help_names_each_command(self):
        done = self.place.glass("--help")
        self.assertEqual(done.code, 0)
        for command in COMMANDS:
            self.assertIn(f"  {command} ", done.out)

    def test_version(self):
        done = self.place.glass("--version")
        self.assertEqual(done.code, 0)
        self.assertRegex(done.out, r"^glass \d+\.\d+\.\d+\n$")

    def assert_usage(self, arguments, named):
        """Exit status 2, a message that names the wrong argument, and nothing started."""
        with self.subTest(arguments=arguments):
            done = self.place.glass(*arguments)
            self.assertEqual((done.code, done.out), (2, ""), str(done))
            self.assertIn(named, done.err)
            self.assertEqual(os.listdir(self.place.runtime), [])

    def test_an_unknown_command_is_named(self):
        self.assert_usage(["uq"], "'uq'")
        self.assert_usage(["--nonsense"], "'--nonsense'")
        self.assert_usage([], "usage: glass")

    def test_an_unknown_option_is_named(self):
        for command in COMMANDS:
            self.assert_usage([command, "--nonsense"], "--nonsense")

    def test_a_wrong_value_of_up_is_named(self):
        for option, value in (
                ("--ip", "10.7.0"), ("--ip", "10.7.0.256/24"), ("--ip", "10.7.0.2/33"), ("--ip", "10.7.0.2/x"),
                ("--ip", "10.7.0.0/24"), ("--ip", "10.7.0.255/24"), ("--ip", "127.0.0.1/8"), ("--ip", "224.0.0.1/24"),
                ("--mtu", "0"), ("--mtu", "67"), ("--mtu", "65536"), ("--mtu", "1500x"), ("--mtu", "-1"), ("--mtu", ""),
                ("--service", "echo"), ("--service", "gopher=70"), ("--service", "echo=0"), ("--service", "echo=65536"),
                ("--service", "http=7"), ("--tun", "a/b"), ("--tun", "a-name-that-is-too-long"), ("--name", "../x"),
                ("--name", ""), ("--pcap", ""), ("--www", ""),
                ("--link", ""), ("--link", "loss=1"), ("--link", "speed=1"), ("--link", "queue=5"), ("--tcp", ""),
                ("--tcp", "sack=perhaps"), ("--tcp", "congestion=vegas"), ("--tcp", "rto-min=1")):
            self.assert_usage(["up", option, value], option)

    def test_what_is_too_much_or_missing(self):
        self.assert_usage(["up", "surplus"], "surplus")
        self.assert_usage(["up", "--mtu"], "mtu")
        self.assert_usage(["down", "surplus"], "surplus")
        self.assert_usage(["netstat", "surplus"], "surplus")
        self.assert_usage(["exec"], "no command")
        self.assert_usage(["nc"], "HOST")
        self.assert_usage(["nc", STACK], "PORT")
        self.assert_usage(["nc", STACK, "7", "8"], "arguments")
        self.assert_usage(["nc", STACK, "0"], "PORT")
        self.assert_usage(["nc", STACK, "65536"], "PORT")
        self.assert_usage(["get"], "URL")
        self.assert_usage(["get", "gopher://10.7.0.1/"], "URL")
        self.assert_usage(["ping"], "HOST")
        self.assert_usage(["ping", "-s", "65508", STACK], "-s")
        self.assert_usage(["ping", "-c", "0", STACK], "-c")

    def test_without_a_stack_each_command_says_so_in_one_line(self):
        for arguments in (["exec", "--", "true"], ["down"], ["netstat"], ["nc", "10.7.0.1", "7"],
                          ["get", "http://10.7.0.1/"], ["ping", "10.7.0.1"]):
            with self.subTest(command=arguments[0]):
                done = self.place.glass(*arguments)
                self.assertEqual((done.code, done.out, done.err.count("\n")), (1, "", 1), str(done))
                self.assertIn("glass up", done.err)

    def test_an_option_that_is_wrong_is_told_with_where_to_look(self):
        for words, said in ((["up", "--mtu"], "option '--mtu' requires an argument"),
                            (["up", "--host=3"], "option '--host' takes no argument"),
                            (["netstat", "-aq"], "unrecognized option '-q'"),
                            (["ping", "-c"], "option '-c' requires an argument"),
                            (["demo", "-p"], "unrecognized option '-p'"),
                            (["exec", "--nonsense", "true"], "unrecognized option '--nonsense'")):
            done = self.place.glass(*words)
            self.assertEqual((done.code, done.out, done.err),
                             (2, "", f"glass {words[0]}: {said} (see {GLASS} {words[0]} --help)\n"))

    def test_what_would_do_nothing_is_refused(self):
        for words, named in ((["lab", "--no-pcap", "-o", "x", "refused"], "--no-pcap"),
                             (["lab", "--list", "handshake"], "--list"), (["ladder", ""], "FILE"),
                             (["ladder", "--list", "--explain", "x.pcap"], "--explain"),
                             (["get", "-o", "", "http://10.7.0.1/"], "-o"), (["exec", "--", ""], "no command")):
            self.assert_usage(words, named)

    def test_up_that_cannot_start_says_why_and_leaves_nothing(self):
        missing = self.place.file("missing")
        for option, value in (("--www", missing), ("--pcap", os.path.join(missing, "x.pcap"))):
            with self.subTest(option=option):
                done = self.place.glass("up", option, value)
                self.assertEqual(done.code, 1, str(done))
                self.assertIn(value, done.err)
                self.assertEqual(done.err.count("\n"), 1, done.err)
        left = [name for name in os.listdir(self.place.runtime) if name.endswith(".sock")]
        self.assertEqual(left, [])

    def test_without_the_tun_node_up_says_what_to_do(self):
        env = {**self.place.env, "GLASS_TUN": self.place.file("no-node")}
        done = lab.run([GLASS, "up", "--name", "none"], env=env)
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("no-node", done.err)
        self.assertIn("mknod", done.err)


class Output(lab.Test):
    """Standard output that takes nothing: one line on standard error, exit status 1."""

    def cannot_write(self, words, **where):
        env = {**self.place.env}
        done = subprocess.run([GLASS, *words], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=lab.PATIENCE, check=False, **where)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), f"{words}: {done.stderr}")
        return done.stderr

    def commands(self):
        name = ("--name", self.lab.name)
        return (["--version"], ["--help"], ["help"], ["help", "up"], ["up", "--tcp", "help"], ["lab", "--list"],
                ["lab", "--no-pcap", "refused"], ["doctor"], ["ports", *name], ["ports", "80", *name],
                ["netstat", *name], ["netstat", "-s", *name], ["netstat", "--json", "-a", *name],
                ["ping", "-c", "1", *name, KERNEL])

    def test_a_full_device(self):
        with open("/dev/full", "wb") as full:
            for words in self.commands():
                with self.subTest(words=words):
                    self.assertRegex(self.cannot_write(words, stdout=full),
                                     r"\Aglass( [a-z]+)?: cannot write: No space left on device\n\Z")

    def test_a_closed_descriptor(self):
        for words in self.commands():
            with self.subTest(words=words):
                self.assertRegex(self.cannot_write(words, preexec_fn=lambda: os.close(1)),
                                 r"\Aglass( [a-z]+)?: cannot write: Bad file descriptor\n\Z")

    def test_what_is_fetched_does_not_go_into_the_control_socket(self):
        peer = Peer(self.lab)
        words = ["nc", "--name", self.lab.name, KERNEL, peer("listen")]
        nc = subprocess.Popen([GLASS, *words], env=self.place.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              preexec_fn=lambda: os.close(1), text=True)
        peer("accept")
        peer("send", 100)
        self.assertIn("standard output: Bad file descriptor", nc.communicate(timeout=lab.PATIENCE)[1])
        self.assertEqual(nc.returncode, 1)
        peer("close")


class Terminal(lab.Test):
    """What goes to a terminal, by what TERM says of it."""

    def on_a_terminal(self, *words, columns=80, **env):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {k: v for k, v in {**self.place.env, **env}.items() if k not in ("NO_COLOR", "TERM") or k in env}
        program = subprocess.Popen([GLASS, *words], env=environment, stdin=subprocess.DEVNULL, stdout=slave,
                                   stderr=subprocess.PIPE)
        os.close(slave)
        text = b""
        while True:
            try:
                text += os.read(master, 65536)
            except OSError:  # the program has ended
                break
        os.close(master)
        error = program.communicate(timeout=lab.PATIENCE)[1]
        self.assertEqual(program.returncode, 0, error)
        return text, error.decode()

    def test_escapes_only_for_one_that_knows_them(self):
        commands = (["lab", "--no-pcap", "refused"], ["netstat", "-c", "--count", "2", "--name", self.lab.name])
        for words in commands:
            self.assertIn(b"\033[", self.on_a_terminal(*words, TERM="xterm")[0])
            for env in ({"TERM": "dumb"}, {"TERM": ""}, {}):
                text = self.on_a_terminal(*words, **env)[0]
                self.assertNotIn(b"\033", text)
                self.assertGreater(len(text), 100)

    def test_a_narrow_one_is_told_of(self):
        self.assertEqual(self.on_a_terminal("lab", "--no-pcap", "refused", columns=80)[1], "")
        self.assertEqual(self.on_a_terminal("lab", "--no-pcap", "refused", columns=60)[1],
                         "glass lab: this terminal has 60 columns, and lines of 80 will wrap\n")


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as file:
        after_name = file.read().rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])  # utime, stime


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


class Life(unittest.TestCase):
    """Starting and stopping."""

    def test_a_second_stack_of_the_same_name_is_refused(self):
        with Lab() as first:
            done = first.place.glass("up", "--name", first.name)
            self.assertEqual((done.code, done.out, done.err.count("\n")), (1, "", 1), str(done))
            self.assertIn(first.name, done.err)
            self.assertEqual(first.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)  # the first is untouched

    def test_stacks_of_different_names_live_side_by_side(self):
        place = Place()
        self.addCleanup(place.remove)
        with Lab(place=place) as first, Lab("--service", "http=off", place=place) as second:
            self.assertEqual(first.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)
            self.assertEqual(second.curl(f"http://{STACK}/").code, 7)

    def test_the_socket_of_a_dead_stack_is_cleaned_up(self):
        place, dead = lab.dead_stack(self)
        self.assertTrue(any(name.endswith(".sock") for name in os.listdir(place.runtime)))
        done = dead.glass("netstat")
        self.assertEqual((done.code, done.err.count("\n")), (1, 1), str(done))
        successor = Lab(place=place)
        successor.command[successor.command.index(successor.name)] = successor.name = dead.name
        with successor:
            self.assertEqual(successor.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)

    def test_down_waits_until_all_is_gone(self):
        with Lab() as running:
            done = running.glass("down")
            self.assertEqual((done.code, done.out, done.err), (0, "", ""), str(done))
            self.assertEqual([name for name in os.listdir(running.place.runtime) if name.endswith(".sock")], [])
            running.assert_ended(0)

    def test_every_polite_signal_ends_it_in_order(self):
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=how.name), Lab() as running:
                running.stop(how)

    def test_ctrl_c_closes_connections_in_order_and_removes_the_device(self):
        with Lab() as running:
            echo, chargen, witness = Peer(running), Peer(running), Peer(running)
            echo("connect", STACK, 7)
            echo("send", 1000)
            self.assertIn("glass0", witness("devices").split())
            running.process.send_signal(signal.SIGINT)
            count, _ = echo("drain").split()
            self.assertEqual(count, "1000")  # and then a FIN, not a reset
            echo("close")
            running.assert_ended(0)
            self.assertNotIn("glass0", witness("devices").split())

    def test_a_peer_that_does_not_close_does_not_hold_it_up(self):
        with Lab() as running:
            peer = Peer(running)
            peer("connect", STACK, 7)
            running.stop()

    def test_the_hosts_network_is_not_touched(self):
        before = socket.if_nameindex()
        with open("/proc/net/route") as file:
            routes = file.read()
        with Lab() as running:
            self.assertEqual(socket.if_nameindex(), before)
            with open("/proc/net/route") as file:
                self.assertEqual(file.read(), routes)
            self.assertNotEqual(os.stat(f"/proc/{running.process.pid}/ns/net").st_ino,
                                os.stat("/proc/self/ns/net").st_ino)
        self.assertEqual(socket.if_nameindex(), before)

    def test_the_control_socket_is_for_its_user_alone(self):
        with Lab() as running:
            path, = (os.path.join(running.place.runtime, name) for name in os.listdir(running.place.runtime)
                     if name.endswith(".sock"))
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_it_has_no_children_left_after_programs_ran_beside_it(self):
        with Lab() as running:
            for _ in range(3):
                running.exec("true")
                running.glass("ping", "-c", 1, "10.7.0.1")
            self.assertEqual(children_of(running.process.pid), [])

    def test_an_idle_stack_uses_no_processor(self):
        with Lab() as running:
            silent = Peer(running)
            silent("connect", STACK, 7)  # an open connection is no reason either
            running.exec("ping", "-n", "-c", 1, STACK)
            before = cpu_ticks(running.process.pid)
            time.sleep(2)
            self.assertLessEqual(cpu_ticks(running.process.pid) - before, 3)

    def test_exec_gives_back_the_exit_status(self):
        with Lab() as running:
            self.assertEqual(running.exec("sh", "-c", "exit 17").code, 17)
            self.assertEqual(running.exec("no-such-program").code, 127)
            self.assertEqual(running.exec("sh", "-c", "kill -9 $$").code, -9)

    def test_exec_reaches_nothing_but_the_laboratory(self):
        with Lab() as running:
            done = running.client("peer", data=b"devices\nconnect 192.0.2.1 80\n")
            self.assertEqual(done.out, "ok lo glass0\nerror ENETUNREACH\n")

    def test_the_trace_shows_the_handshake_and_the_states(self):
        with Lab("--trace") as running:
            running.curl("-o", "/dev/null", f"http://{STACK}/")
            running.output.wait_for(r" < S +0:0\(0\) win \d+ <mss 1460.* LISTEN$")
            running.output.wait_for(r" > S\. 0:0\(0\) ack 1 win \d+ <mss 1460.* SYN-RECEIVED$")
            for arrow in ("SYN-RECEIVED -> ESTABLISHED", "ESTABLISHED -> CLOSE-WAIT", "CLOSE-WAIT -> LAST-ACK",
                          "LAST-ACK -> CLOSED"):
                running.output.wait_for(arrow)


if __name__ == "__main__":
    lab.main()
