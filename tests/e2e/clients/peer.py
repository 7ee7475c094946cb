"""One end of TCP connections, told what to do line by line: a command on standard input, its answer on standard
output, 'ok ...' or 'error ENAME'."""
import errno
import hashlib
import random
import socket
import struct
import sys

sock = listener = None


def connect(host, port, receive_buffer="0"):
    global sock
    sock = socket.socket()
    if int(receive_buffer):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(receive_buffer))
    sock.connect((host, int(port)))
    return sock.getsockname()[1]


def listen(port="0", backlog="16"):
    global listener
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", int(port)))
    listener.listen(int(backlog))
    return listener.getsockname()[1]


def accept():
    global sock
    sock, (host, port) = listener.accept()
    return f"{host} {port}"


def send(size, seed="1"):
    data = random.Random(int(seed)).randbytes(int(size))
    sock.sendall(data)
    return hashlib.sha256(data).hexdigest()


def stuff():
    """As much as goes without waiting for the other end to read."""
    sock.setblocking(False)
    total = 0
    try:
        while True:
            total += sock.send(bytes(65536))
    except BlockingIOError:
        sock.setblocking(True)
    return total


def receive(size):
    left, digest = int(size), hashlib.sha256()
    while left > 0:
        block = sock.recv(min(left, 1 << 20))
        if not block:
            return f"ended {left} bytes early"
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()


def drain():
    """All until the other end's FIN."""
    count, digest = 0, hashlib.sha256()
    while block := sock.recv(1 << 20):
        count += len(block)
        digest.update(block)
    return f"{count} {digest.hexdigest()}"


def shut():
    sock.shutdown(socket.SHUT_WR)
    return ""


def close():
    sock.close()
    return ""


def reset():
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return ""


def devices():
    return " ".join(name for _, name in socket.if_nameindex())


verbs = {f.__name__: f for f in (connect, listen, accept, send, stuff, receive, drain, shut, close, reset, devices)}
for line in sys.stdin:
    verb, *arguments = line.split()
    try:
        print("ok", verbs[verb](*arguments), flush=True)
    except OSError as error:
        print("error", errno.errorcode.get(error.errno, error), flush=True)
