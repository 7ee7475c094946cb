"""glass netstat -s after what is known to have happened."""
import unittest

import lab
from lab import KERNEL, STACK, Lab, Peer


class Statistics(unittest.TestCase):
    def test_a_known_scenario_is_counted(self):
        with Lab() as running:
            before = running.counters()["Tcp"]
            self.assertEqual(sum(before.values()), 0)
            asks = Peer(running)
            asks("connect", STACK, 7)  # a passive open that stays
            self.assertEqual(running.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)  # one that is closed
            refused = Peer(running)
            refused.tell("connect", STACK, 4)
            self.assertEqual(refused.answer(), "error ECONNREFUSED")  # a reset, and a dropped SYN
            listener = Peer(running)
            port = int(listener("listen"))
            nc = running.start_glass("nc", KERNEL, port)  # an active open
            listener("accept")
            failed = running.glass("nc", KERNEL, "9")  # one that fails
            self.assertNotEqual(failed.code, 0)
            self.assertEqual(running.exec("ping", "-c", 2, "-i", 0.2, STACK).code, 0)
            self.assertEqual(running.client("udp_echo", STACK, 7, 10, 20, 30).code, 0)
            self.assertEqual(running.client("udp_refused", STACK, 4).code, 0)
            running.wait_for_none(local_port=80)
            now = running.counters()
            tcp = now["Tcp"]
            self.assertEqual(tcp["active connection openings"], 2)
            self.assertEqual(tcp["passive connection openings"], 2)
            self.assertEqual(tcp["failed connection attempts"], 1)
            self.assertEqual(tcp["connection resets received"], 0)
            self.assertEqual(tcp["connections established"], 2)
            self.assertEqual(tcp["segments retransmitted"], 0)
            self.assertEqual(tcp["bad segments received"], 0)
            self.assertEqual(tcp["resets sent"], 1)
            self.assertEqual(tcp["dropped: no connection and no listener (TCP_NO_CONNECTION)"], 1)
            self.assertGreater(tcp["segments received"], 10)
            self.assertGreater(tcp["segments sent out"], 5)
            self.assertEqual(now["Icmp"]["echo requests answered"], 2)
            self.assertEqual(now["Icmp"]["ICMP errors sent"], 1)
            self.assertEqual(now["Udp"]["packets received"], 3)
            self.assertEqual(now["Udp"]["packets sent"], 3)
            self.assertEqual(now["Udp"]["packets to unknown port received"], 1)
            self.assertGreater(now["Stack"]["bytes of memory in use"], 0)
            self.assertNotIn("Link to the stack", now)
            asks("reset")
            running.wait_for_none(local_port=7)
            nc.kill()  # its connection is reset: RFC 4022 counts that, too, and the RST
            running.wait_for_none(remote_port=port)
            tcp = running.counters()["Tcp"]
            self.assertEqual(tcp["connection resets received"], 2)
            self.assertEqual(tcp["connections established"], 0)
            self.assertEqual(tcp["resets sent"], 2)

    def test_with_a_also_what_never_happened(self):
        with Lab() as running:
            few, all_of_it = running.counters(), running.counters("-a")
            self.assertNotIn("dropped: outside the receive window (TCP_SEQUENCE)", few["Tcp"])
            self.assertEqual(all_of_it["Tcp"]["dropped: outside the receive window (TCP_SEQUENCE)"], 0)
            self.assertEqual(all_of_it["TcpExt"]["fast retransmits"], 0)
            self.assertGreater(sum(map(len, all_of_it.values())), 90)


if __name__ == "__main__":
    lab.main()
