"""Does a UDP service answer a datagram from that source port? HOST PORT SOURCE-PORT ECHO-PORT

Datagrams stay in order on this link: when the echo of a later one is here, an answer would have come already."""
import socket
import sys

host, port, source, echo = sys.argv[1], *map(int, sys.argv[2:5])
asker, witness = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
asker.bind(("0.0.0.0", source))
asker.sendto(b"anybody?", (host, port))
witness.settimeout(10)
for _ in range(2):  # the second round is served in a later turn than the first
    witness.sendto(b"after", (host, echo))
    witness.recv(100)
asker.setblocking(False)
try:
    print("answers", len(asker.recv(65536)))
except BlockingIOError:
    print("silent")
