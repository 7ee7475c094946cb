"""A UDP service on the kernel's side: answers each datagram with its length and itself in reverse."""
import socket

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", 0))
print(sock.getsockname()[1], flush=True)
while True:
    data, origin = sock.recvfrom(65536)
    sock.sendto(data[::-1], origin)
