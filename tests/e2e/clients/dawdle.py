"""Sends the beginning of an HTTP request, never the rest; all that comes goes to standard output. HOST PORT"""
import socket
import sys

sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.sendall(b"GET / HTTP/1.1\r\nHost:")
while block := sock.recv(65536):
    sys.stdout.buffer.write(block)
