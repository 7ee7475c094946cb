"""What a connected UDP socket hears about a closed port. HOST PORT"""
import errno
import socket
import sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(10)
sock.connect((sys.argv[1], int(sys.argv[2])))
sock.send(b"anybody?")
try:
    print("answer", sock.recv(100))
except OSError as error:
    print(errno.errorcode.get(error.errno, error))
