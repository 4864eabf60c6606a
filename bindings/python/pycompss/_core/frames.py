"""Messages between a notebook and the program that stands for it: a length and a pickle."""

import socket
import struct
from typing import Optional

_LENGTH = struct.Struct("<Q")


def send(connection: socket.socket, content: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(content)))
    connection.sendall(content)


def receive(connection: socket.socket) -> Optional[bytes]:
    """None when the other side has gone."""
    head = _exactly(connection, _LENGTH.size)
    if head is None:
        return None
    return _exactly(connection, _LENGTH.unpack(head)[0])


def _exactly(connection: socket.socket, count: int) -> Optional[bytes]:
    content = bytearray(count)
    view = memoryview(content)
    at = 0
    while at < count:
        got = connection.recv_into(view[at:])
        if got == 0:
            return None
        at += got
    return bytes(content)
