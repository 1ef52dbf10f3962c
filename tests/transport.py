"""A service in a process of its own, and plain sockets to talk to it."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path

SERVER = Path(__file__).with_name("transport_server.py")
QUICK = {"header": 0.4, "body_rate": 1024, "body_window": 0.4, "idle": 0.4, "write": 0.4, "linger": 0.2}
SMALL = {"head": 32768, "headers": 50, "body": 1_000_000, "pipelined": 4}
PATIENCE = 60.0


class Service:
    def __init__(self, **options):
        command = [sys.executable, SERVER, json.dumps(options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.line()
        self.port = int(self.url.rpartition(":")[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.process:
            self.process.kill()

    def line(self):
        return self.process.stdout.readline().strip()

    def tell(self, number):
        self.process.send_signal(number)

    def status(self):
        return self.process.wait(PATIENCE)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(self, *parts):
        with self.connect() as sock:
            for part in parts:
                sock.sendall(part)
            return rest(sock)


def rest(sock):
    received = bytearray()
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        while data := sock.recv(65536):
            received += data
    return bytes(received)


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode()


def post(path, *headers):
    lines = [f"POST {path} HTTP/1.1", "Host: here", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def status(answer):
    return int(answer.split(None, 2)[1])
