"""Python's HTTP server on a free port, which is its first line. DIRECTORY"""
import functools
import http.server
import sys

handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()
