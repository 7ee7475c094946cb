"""Sends a file to an echo service and reads it back at the same time. HOST PORT FILE"""
import hashlib
import socket
import sys
import threading

host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sent, received = hashlib.sha256(), hashlib.sha256()
sock = socket.create_connection((host, port))


def write():
    with open(path, "rb") as file:
        while block := file.read(1 << 18):
            sent.update(block)
            sock.sendall(block)
    sock.shutdown(socket.SHUT_WR)


writer = threading.Thread(target=write)
writer.start()
count = 0
while block := sock.recv(1 << 18):
    received.update(block)
    count += len(block)
writer.join()
print(count, sent.hexdigest(), received.hexdigest())
