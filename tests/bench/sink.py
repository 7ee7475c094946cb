"""sink.py ADDR PORT SECONDS FLOWS: connects so often, asks for a large file, reads for so long; the bytes of each
flow."""
import selectors
import socket
import sys
import time

addr, port, seconds, flows = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
REQUEST = b"GET /large HTTP/1.1\r\nHost: bench\r\n\r\n"
room = bytearray(1 << 18)
ready, sockets, count = selectors.DefaultSelector(), [], []
began = time.monotonic()
for i in range(flows):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex((addr, port))
    ready.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, i)
    sockets.append(s)
    count.append(0)
while (left := began + seconds - time.monotonic()) > 0:
    for key, events in ready.select(left):
        try:
            if events & selectors.EVENT_WRITE:
                key.fileobj.send(REQUEST)
                ready.modify(key.fileobj, selectors.EVENT_READ, key.data)
                continue
            n = key.fileobj.recv_into(room)
        except OSError as error:
            sys.exit(f"flow {key.data}: {error}")
        if n == 0:
            sys.exit(f"flow {key.data} ended early")
        count[key.data] += n
print(*count)
