"""Reads captures with tshark, an independent judge of what was on the wire."""
import functools
import os
import shutil
import unittest

import lab

CHECKSUMS = ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")
PLAIN = ("-d", "tcp.port==1-65535,data", "-d", "udp.port==1-65535,data")  # no guesses what random bytes might mean
# Linux now and then writes 0xffff where 0 is meant: the same number in one's complement, but RFC 1624 4 calls it odd.
ODD = f"(tcp.checksum == 0xffff && ip.src == {lab.KERNEL})"
BAD = (f"_ws.malformed || ip.checksum.status == bad || (tcp.checksum.status == bad && !{ODD})"
       " || udp.checksum.status == bad || icmp.checksum.status == bad || ip.fragment.error || ip.fragment.overlap"
       f" || ip.fragment.toolongfragment || (_ws.expert.severity == error && !{ODD})")
# A client that is slow to read may close its window, and echo then closes the stack's; no other service does.
UNCLEAN = ("tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.spurious_retransmission"
           " || tcp.analysis.out_of_order || tcp.analysis.duplicate_ack || tcp.analysis.lost_segment"
           f" || tcp.analysis.ack_lost_segment || (tcp.analysis.zero_window && ip.src == {lab.STACK} && tcp.port != 7)")


@functools.cache
def tshark():
    path = shutil.which("tshark")
    if not path:
        raise unittest.SkipTest("tshark is not installed")
    return path


def read(path, *arguments, patience=lab.LONG):
    """tshark's output, a line each."""
    command = [tshark(), "-n", "-r", path, *PLAIN]
    for name in CHECKSUMS:
        command += ["-o", name + ":TRUE"]
    home = os.path.dirname(path)
    done = lab.run([*command, *arguments], patience=patience, env={**os.environ, "HOME": home, "LC_ALL": "C"})
    if done.code != 0:
        raise AssertionError(f"tshark: {done}")
    return done.out.splitlines()


def fields(path, which, *names):
    """One list of strings for each packet that the filter lets through."""
    arguments = ["-Y", which, "-T", "fields", "-E", "separator=|"]
    for name in names:
        arguments += ["-e", name]
    return [line.split("|") for line in read(path, *arguments)]


def check(path, clean):
    wrong = read(path, "-Y", f"{BAD} || {UNCLEAN}" if clean else BAD)
    if wrong:
        raise AssertionError(f"tshark finds {len(wrong)} packets wrong, the first:\n" + "\n".join(wrong[:20]))
