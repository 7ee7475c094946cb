"""One datagram out, one back, to standard output. HOST PORT TEXT"""
import socket
import sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(10)
sock.connect((sys.argv[1], int(sys.argv[2])))
sock.send(sys.argv[3].encode())
sys.stdout.buffer.write(sock.recv(65536))
