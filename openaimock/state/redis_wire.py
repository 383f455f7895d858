"""Wire: commands and answers on a Redis connection, as bytes: the client package takes longer for each than the server does."""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Any

#: Bytes that are received at once, and that a line may have.
SIZE = 65_536
_FOREIGN = "the server does not speak the protocol of Redis"

Part = str | bytes | int | float


class Refused(Exception):
    """An error that the server answers to one command. ``code`` is its first word, such as NOSCRIPT."""

    def __init__(self, line: str) -> None:
        code, _, reason = line.partition(" ")
        self.code = code if code.isupper() else ""
        super().__init__(reason if self.code and reason else line)


class Wire:
    """A connection that the client package has made; it has logged in and chosen the database."""

    __slots__ = ("_connection", "_poll", "_position", "_received", "_socket")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._socket = connection._sock
        #: The last bytes that were received, and where the next part of the answer begins in them.
        self._received, self._position = b"", 0
        self._poll = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)

    def ask(self, command: bytes) -> Any:
        """The answer to a packed command. Refused leaves the connection usable; after an OSError it must be closed."""
        self._socket.sendall(command)
        data = self._receive(SIZE)
        if data.startswith(b":") and data.endswith(b"\r\n"):  # a number, as the answers of most scripts are
            return int(data[1:-2])
        self._received, self._position = data, 0
        try:
            answer = self._read()
        except ValueError:
            raise OSError(_FOREIGN) from None
        if isinstance(answer, Refused):
            raise answer
        return answer

    def _read(self) -> Any:
        line = self._line()
        kind, content = line[:1], line[1:]
        if kind == b":":
            return int(content)
        if kind == b"$":
            return None if content == b"-1" else self._exactly(int(content) + 2)[:-2]
        if kind == b"*":
            return None if content == b"-1" else [self._read() for _ in range(int(content))]
        if kind == b"+":
            return content
        if kind == b"-":
            return Refused(content.decode("utf-8", "replace"))
        raise OSError(_FOREIGN)

    def _line(self) -> bytes:
        while (end := self._received.find(b"\r\n", self._position)) < 0:
            if len(self._received) - self._position > SIZE:
                raise OSError(_FOREIGN)
            self._received, self._position = self._received[self._position :] + self._receive(SIZE), 0
        line = self._received[self._position : end]
        self._position = end + 2
        return line

    def _exactly(self, size: int) -> bytes:
        pieces = [self._received[self._position : self._position + size]]
        self._position += size
        missing = size - len(pieces[0])
        while missing:
            pieces.append(self._receive(min(missing, SIZE)))
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def _receive(self, size: int) -> bytes:
        data: bytes = self._socket.recv(size)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data

    def is_usable(self) -> bool:
        """Whether nothing has arrived while no command ran, such as the end of the connection."""
        try:
            if self._poll is not None:
                return not self._poll.poll(0)
            return not select.select([self._socket], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Close the connection: in the process that made it, for the server too."""
        self._connection.disconnect()


def packed(parts: Sequence[Part]) -> bytes:
    """Parts of a command as bytes."""
    texts = []
    for part in parts:
        if type(part) is str:
            data = part.encode("utf-8", "surrogatepass")
        elif type(part) is bytes:
            data = part
        else:
            data = repr(part).encode()
        texts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(texts)
