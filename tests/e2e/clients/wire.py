"""Looks at the link while bytes go to an echo service and come back. HOST PORT BYTES
Prints how many came back, then for what came from the host and for what went to it: TCP segments seen, those that
continue the one before, longest datagram, wrong checksums."""
import select
import socket
import sys

host, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ALL = 0x0003


def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Way:
    def __init__(self):
        self.segments = self.follow = self.longest = self.wrong = 0
        self.next = None

    def see(self, datagram):
        head = (datagram[0] & 15) * 4
        tcp = datagram[head:]
        pseudo = datagram[12:20] + bytes((0, 6)) + len(tcp).to_bytes(2, "big")
        self.segments += 1
        self.longest = max(self.longest, len(datagram))
        self.wrong += ones_sum(datagram[:head]) != 0xffff or ones_sum(pseudo + tcp) != 0xffff
        seq = int.from_bytes(tcp[4:8], "big")
        self.follow += seq == self.next
        self.next = (seq + len(tcp) - (tcp[12] >> 4) * 4) % (1 << 32)


link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
link.setblocking(False)
link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)  # as much of it as an ordinary user gets
stream = socket.create_connection((host, port))
stream.setblocking(False)
ways = {True: Way(), False: Way()}
sent = received = 0
seen = []
while received < size:
    wanted = [stream] if sent < size else []
    readable, writable, _ = select.select([link, stream], wanted, [], 20)
    if not readable and not writable:
        sys.exit("nothing comes any more")
    while select.select([link], [], [], 0)[0]:  # it first: its queue is short
        seen.append(link.recv(65536))
    if stream in readable:
        got = stream.recv(1 << 16)
        received += len(got)
        if not got:
            sys.exit("the stream ended")
    if stream in writable:
        sent += stream.send(bytes(min(1 << 16, size - sent)))
while select.select([link], [], [], 0)[0]:  # what it saw and nobody asked for yet
    seen.append(link.recv(65536))
for one in seen:
    if one[0] >> 4 == 4 and one[9] == 6:
        ways[socket.inet_ntoa(one[12:16]) == host].see(one)
print(received)
for way in ways.values():
    print(way.segments, way.follow, way.longest, way.wrong)
