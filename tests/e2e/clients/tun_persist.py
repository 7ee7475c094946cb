"""Makes a persistent TUN device, as `ip tuntap add NAME mode tun` does, through the node of GLASS_TUN. NAME"""
import fcntl
import os
import struct
import sys

TUNSETIFF, TUNSETPERSIST, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x400454CB, 0x0001, 0x1000
node = os.open(os.environ.get("GLASS_TUN") or "/dev/net/tun", os.O_RDWR)
fcntl.ioctl(node, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), IFF_TUN | IFF_NO_PI))
fcntl.ioctl(node, TUNSETPERSIST, 1)
