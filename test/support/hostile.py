"""Clients that a web server has to bear: hostile.py HOST PORT.

Opens all of them, and ends with a line of JSON once the server has closed every one.
"""
import asyncio
import json
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
SLOW, BODIES, SILENT = 101, 103, 1201
INTERVAL = 0.5


async def closed_by_server(reader):
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass


async def trickle(writer, data):
    try:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(INTERVAL)
    except ConnectionError:
        pass


async def count_intervals(count):
    """How long it took, as clients saw it that may themselves have had to wait."""
    while True:
        await asyncio.sleep(INTERVAL)
        count.append(None)


def be_told(connection):
    """A busy kernel forgets connections before the server sees them, and says so only when asked."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)


async def client(head, tail):
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except ConnectionError:
        return
    be_told(writer.get_extra_info("socket"))
    writer.write(head)
    slow = asyncio.create_task(trickle(writer, tail))
    await closed_by_server(reader)
    slow.cancel()
    writer.close()


async def main():
    intervals = []
    clock = asyncio.create_task(count_intervals(intervals))
    slow_header = (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n", b"X-Slow: " + b"a" * 1000)
    slow_body = (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", b"b" * 1000)
    clients = [client(*slow_header) for _ in range(SLOW)]
    clients += [client(*slow_body) for _ in range(BODIES)]
    clients += [client(b"", b"") for _ in range(SILENT)]
    await asyncio.gather(*clients)
    clock.cancel()
    print(json.dumps({"seconds": len(intervals) * INTERVAL}))


asyncio.run(main())
