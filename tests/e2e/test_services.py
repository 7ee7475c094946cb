"""The textbook's services over TCP and UDP, closed ports, half-close and ping."""
import re

import lab
from lab import STACK

DAYTIME = r"^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, [A-Z][a-z]+ \d+, \d{4} \d\d:\d\d:\d\d-UTC\r\n$"


def chargen(length):
    """RFC 864 2: 72 of the 95 printing characters a line, the next line one further."""
    ring = "".join(map(chr, range(32, 127))) * 2
    lines = (ring[i % 95:i % 95 + 72] + "\r\n" for i in range(length // 74 + 1))
    return "".join(lines)[:length].encode()


class Tcp(lab.Test):
    def test_echo_through_a_half_close(self):
        """nc -N sends FIN at the end of its input; everything still comes back, then the stack's FIN."""
        for text in (b"", b"x", b"hello\n", bytes(range(256)) * 4000):
            with self.subTest(size=len(text)):
                done = self.assert_ok(self.lab.exec("nc", "-N", STACK, 7, data=text))
                self.assertEqual(done.out_bytes, text)

    def test_http_answers_after_a_half_close(self):
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        done = self.assert_ok(self.lab.exec("nc", "-N", STACK, 80, data=request))
        self.assertTrue(done.out.startswith("HTTP/1.1 200 OK\r\n"), str(done))
        self.assertIn("</html>", done.out)

    def test_discard_takes_all_and_says_nothing(self):
        done = self.assert_ok(self.lab.exec("nc", "-N", STACK, 9, data=bytes(1_000_000)))
        self.assertEqual(done.out_bytes, b"")

    def test_daytime(self):
        done = self.assert_ok(self.lab.exec("nc", STACK, 13))
        self.assertRegex(done.out, DAYTIME)

    def test_daytime_in_spite_of_input(self):
        done = self.assert_ok(self.lab.exec("nc", "-N", STACK, 13, data=b"what time is it?\n"))
        self.assertRegex(done.out, DAYTIME)

    def test_chargen_until_the_client_goes(self):
        size = 1_000_000
        done = self.assert_ok(self.lab.client("read_some", STACK, 19, size))
        self.assertEqual(done.out_bytes, chargen(size))
        self.lab.wait_for_none(local_port=19)

    def test_a_closed_port_refuses(self):
        peer = lab.Peer(self.lab)
        for port in (1, 81, 8080, 65535):
            peer.tell("connect", STACK, port)
            self.assertEqual(peer.answer(), "error ECONNREFUSED")
        done = self.lab.exec("nc", "-v", STACK, 4242)
        self.assertEqual(done.code, 1)
        self.assertIn("refused", done.err)
        self.assertEqual(self.lab.curl(f"http://{STACK}:8080/").code, 7)  # curl's 'failed to connect'

    def test_one_port_serves_many_connections_side_by_side(self):
        peers = [lab.Peer(self.lab) for _ in range(3)]
        for peer in peers:
            peer("connect", STACK, 7)
        sums = [peer("send", 1000 + i, i) for i, peer in enumerate(peers)]
        for i, peer in reversed(list(enumerate(peers))):
            self.assertEqual(peer("receive", 1000 + i), sums[i])
        self.assertEqual(len([row for row in self.lab.connections(local_port=7) if row.state == "ESTABLISHED"]), 3)
        for peer in peers:
            peer.leave()


class Udp(lab.Test):
    lab_capture = True
    SIZES = (0, 1, 2, 511, 1471, 1472, 1473, 2952, 2953, 9000, 65506, 65507)

    def test_echo_of_every_size(self):
        done = self.assert_ok(self.lab.client("udp_echo", STACK, 7, *self.SIZES))
        self.assertEqual(done.out.splitlines(), [f"{size} equal" for size in self.SIZES])

    def test_nc_sees_its_datagram_again(self):
        done = self.lab.exec("nc", "-u", "-w", 1, STACK, 7, data=b"hello\n")
        self.assertEqual(done.out, "hello\n")

    def test_daytime(self):
        done = self.assert_ok(self.lab.client("udp_ask", STACK, 13, "what time is it?"))
        self.assertRegex(done.out_bytes.decode(), DAYTIME)

    def test_chargen_answers_with_one_short_line(self):
        done = self.assert_ok(self.lab.client("udp_ask", STACK, 19, "a request of some length, for a whole line"))
        self.assertRegex(done.out_bytes, rb"^[ -~]{1,510}\r\n$")
        self.assertEqual(done.out_bytes, chargen(len(done.out_bytes)))

    def test_chargen_is_no_amplifier(self):
        """RFC 9000 8's bound: never more than three times what was asked, headers included."""
        done = self.assert_ok(self.lab.client("udp_ask", STACK, 19, "?"))
        self.assertLessEqual(28 + len(done.out_bytes), 3 * (28 + 1))

    def test_no_service_answers_a_well_known_port(self):
        """CERT CA-1996-01: two services that answer each other would never end."""
        for port in (7, 13, 19):
            for source in (1, 7, 13, 19, 53, 1023):
                with self.subTest(port=port, source=source):
                    done = self.assert_ok(self.lab.client("udp_silent", STACK, port, source, 7))
                    self.assertEqual(done.out, "silent\n")

    def test_discard_is_silent(self):
        self.assertEqual(self.assert_ok(self.lab.client("udp_silent", STACK, 9, 40000, 7)).out, "silent\n")

    def test_a_registered_port_is_answered(self):
        self.assertEqual(self.assert_ok(self.lab.client("udp_silent", STACK, 7, 1024, 7)).out, "answers 8\n")

    def test_a_closed_port_is_refused_by_icmp(self):
        for port in (8, 9999):
            self.assertEqual(self.assert_ok(self.lab.client("udp_refused", STACK, port)).out, "ECONNREFUSED\n")


class Ping(lab.Test):
    lab_capture = True

    def test_ping_of_every_size(self):
        for size in (0, 1, 56, 1471, 1472, 1473, 2952, 2953, 8000, 60000, 65507):
            with self.subTest(size=size):
                done = self.assert_ok(self.lab.exec("ping", "-n", "-c", 1, "-W", 5, "-s", size, STACK))
                self.assertIn(f"{size + 8} bytes from {STACK}: icmp_seq=1", done.out)
                self.assertNotIn("wrong data", done.out)

    def test_many_pings_are_all_answered_in_order(self):
        done = self.assert_ok(self.lab.exec("ping", "-n", "-c", 100, "-i", "0.002", "-s", 3000, STACK))
        self.assertIn("100 packets transmitted, 100 received, 0% packet loss", done.out)
        self.assertEqual([int(n) for n in re.findall(r"icmp_seq=(\d+)", done.out)], list(range(1, 101)))
        self.assertNotIn("DUP", done.out)

    def test_nobody_else_answers(self):
        done = self.lab.exec("ping", "-n", "-c", 1, "-W", 1, "10.7.0.99")
        self.assertEqual(done.code, 1)
        self.assertIn("100% packet loss", done.out)

    def test_an_unknown_protocol_is_unreachable(self):
        """RFC 1122 3.2.2.1: destination unreachable, code 2."""
        done = self.assert_ok(self.lab.client("raw_protocol", STACK, 253))
        self.assertEqual(done.out, "type 3 code 2 about protocol 253\n")


if __name__ == "__main__":
    lab.main()
