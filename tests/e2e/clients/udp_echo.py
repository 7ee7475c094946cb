"""Datagrams of each size to a UDP echo service, from one dynamic port. HOST PORT SIZE..."""
import random
import socket
import sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(10)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
sock.bind(("0.0.0.0", 0))
server = (sys.argv[1], int(sys.argv[2]))
for size in map(int, sys.argv[3:]):
    data = random.Random(size).randbytes(size)
    sock.sendto(data, server)
    answer, origin = sock.recvfrom(65536)
    print(size, "equal" if (answer, origin) == (data, server) else f"{len(answer)} bytes from {origin}")
