"""Sends a datagram of an IP protocol that nobody speaks and prints the ICMP error about it. HOST PROTOCOL"""
import socket
import sys

host, protocol = sys.argv[1], int(sys.argv[2])
errors = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
errors.settimeout(10)
with socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as sock:
    sock.sendto(b"anybody?", (host, 0))
while True:
    datagram, origin = errors.recvfrom(65536)
    icmp = datagram[(datagram[0] & 15) * 4:]
    if origin[0] == host and icmp[0] != 0:
        print(f"type {icmp[0]} code {icmp[1]} about protocol {icmp[8 + 9]}")
        break
