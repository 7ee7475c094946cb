"""source.py ADDR PORT CONGESTION: sends to whoever connects, without end; says which congestion control it got."""
import socket
import sys
import threading

BLOCK = bytes(65536)


def serve(connection):
    try:
        while True:
            connection.sendall(BLOCK)
    except OSError:
        connection.close()


listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
try:
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, sys.argv[3].encode())
except OSError:
    pass  # what it is instead is said
got = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")
print(got.decode(), flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
