"""Connects, copies the first bytes to standard output and goes away. HOST PORT COUNT"""
import socket
import sys

sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
left = int(sys.argv[3])
while left > 0 and (block := sock.recv(left)):
    sys.stdout.buffer.write(block)
    left -= len(block)
