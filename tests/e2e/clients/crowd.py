"""Many clients that are all connected before the first of them speaks. HOST PORT COUNT http|echo"""
import asyncio
import random
import sys

host, port, count, what = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]


async def echo(number, reader, writer):
    message = random.Random(number).randbytes(1000 + 100 * number)
    writer.write(message)
    writer.write_eof()
    return await reader.read() == message


async def http(number, reader, writer):
    writer.write(f"GET /{number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200 ") and body == f"this is file {number}\n".encode() * (number + 1)


async def main():
    connections = await asyncio.gather(*(asyncio.open_connection(host, port, limit=1 << 24) for _ in range(count)))
    talk = {"echo": echo, "http": http}[what]
    right = await asyncio.gather(*(talk(i, *connection) for i, connection in enumerate(connections)))
    for _, writer in connections:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in connections))
    print(sum(right), "right")


asyncio.run(main())
