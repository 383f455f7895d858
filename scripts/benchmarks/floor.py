"""The least a stream server can do: ready bytes at their moments, nothing parsed. It shows what the client itself adds.

python floor.py PORT GAP_MS PIECE...
"""

from __future__ import annotations

import heapq
import json
import select
import socket
import sys
import time


def frames(pieces: list[str]) -> list[bytes]:
    """The chunks of one stream as they go over the wire."""
    bodies = [f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n" for piece in pieces]
    chunks = [f"{len(body):x}\r\n{body}\r\n".encode() for body in bodies]
    chunks[-1] += b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    return chunks


def run(port: int, chunks: list[bytes], gap: float) -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    open_socks: dict[int, socket.socket] = {}
    due: list[tuple[float, int, int]] = []
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        wait = max(0.0, due[0][0] - time.perf_counter()) if due else -1
        for fd, _ in poll.poll(wait):
            if fd == listener.fileno():
                sock, _ = listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_socks[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
            elif open_socks[fd].recv(65536):
                open_socks[fd].send(head)
                heapq.heappush(due, (time.perf_counter(), fd, 0))
            else:
                poll.unregister(fd)
                open_socks.pop(fd).close()
        now = time.perf_counter()
        while due and due[0][0] <= now:
            context, fd, at = heapq.heappop(due)
            if fd in open_socks:
                open_socks[fd].send(chunks[at])
                if at + 1 < len(chunks):
                    heapq.heappush(due, (context + gap, fd, at + 1))


if __name__ == "__main__":
    run(int(sys.argv[1]), frames(sys.argv[3:]), float(sys.argv[2]) / 1000)
