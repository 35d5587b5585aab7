"""Where messages of a broker arrive: a small mail server, and a webhook over HTTPS, each on loopback."""

from __future__ import annotations

import base64
import email
import email.policy
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from services.loopback import QuietRequest, going, https_server, tls_of

USER, PASSWORD = "blindlink", "a mail password of tests"
Security = Literal["starttls", "tls", "none"]


@dataclass
class Inbox:
    """What arrived, in order; `refuses` says how many messages are turned away first."""

    port: int = 0
    certificate: Path = Path()
    messages: list[Any] = field(default_factory=list)
    refuses: int = 0
    n_refused: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)

    def take(self, message: Any) -> bool:
        """Keep a message, unless it is to be refused."""
        with self.news:
            is_refused = self.n_refused < self.refuses
            if is_refused:
                self.n_refused += 1
            else:
                self.messages.append(message)
            self.news.notify_all()
        return not is_refused

    def wait(self, n_messages: int, timeout_s: float = 60.0) -> list[Any]:
        """Return what has arrived once there are so many messages, or time is over."""
        with self.news:
            self.news.wait_for(lambda: len(self.messages) >= n_messages, timeout_s)
            return list(self.messages)


@dataclass(frozen=True)
class Mail:
    """A mail as the server took it: the envelope, and what was in it."""

    sender: str
    receivers: tuple[str, ...]
    content: EmailMessage


@dataclass(frozen=True)
class Posted:
    """A request to the webhook."""

    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def mail_server(folder: Path, security: Security = "starttls") -> Iterator[Inbox]:
    """Serve SMTP; `inbox.messages` are `Mail`."""
    inbox, tls = Inbox(certificate=folder / "broker.crt"), tls_of(folder)

    class Conversation(socketserver.BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            if security == "tls":
                self._secure()
            self.lines = self.request.makefile("rb")
            self.is_known = security == "none"
            self.sender, self.receivers = "", []
            self._say("220 mail.test ready")
            try:
                for raw in self.lines:
                    if not self._answer(raw.decode("ascii").rstrip("\r\n")):
                        break
            finally:
                self.lines.close()
                self.request.close()

        def _secure(self) -> None:
            self.request = tls.wrap_socket(self.request, server_side=True)

        def _say(self, line: str) -> None:
            self.request.sendall(f"{line}\r\n".encode())

        def _answer(self, line: str) -> bool:
            verb, _, rest = line.partition(" ")
            is_safe = isinstance(self.request, ssl.SSLSocket) or security == "none"
            match verb.upper():
                case "EHLO":
                    offers = ["STARTTLS"] if not is_safe else ["AUTH PLAIN"]
                    self._say("250-mail.test")
                    self._say(f"250 {offers[0]}")
                case "STARTTLS":
                    self._say("220 go on")
                    self.lines.close()
                    self._secure()
                    self.lines = self.request.makefile("rb")
                    return self._go_on()
                case "AUTH":
                    expected = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
                    self.is_known = rest == f"PLAIN {expected}"
                    self._say("235 welcome" if self.is_known else "535 not like this")
                case "MAIL" if not (is_safe and self.is_known):
                    self._say("530 who are you")
                case "MAIL":
                    self.sender = rest.partition("<")[2].partition(">")[0]
                    self._say("250 ok")
                case "RCPT":
                    self.receivers.append(rest.partition("<")[2].partition(">")[0])
                    self._say("250 ok")
                case "DATA":
                    self._say("354 go on")
                    self._take()
                case "QUIT":
                    self._say("221 bye")
                    return False
                case _:
                    self._say("250 ok")
            return True

        def _go_on(self) -> bool:
            for raw in self.lines:
                if not self._answer(raw.decode("ascii").rstrip("\r\n")):
                    break
            return False

        def _take(self) -> None:
            lines = []
            for raw in self.lines:
                if raw == b".\r\n":
                    break
                lines.append(raw[1:] if raw.startswith(b"..") else raw)
            content = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            taken = inbox.take(Mail(self.sender, tuple(self.receivers), content))
            self._say("250 ok" if taken else "451 not now")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server, going(server):
        inbox.port = server.server_address[1]
        yield inbox


@contextmanager
def webhook(folder: Path, *, leads_to: str | None = None) -> Iterator[Inbox]:
    """Serve HTTPS; `inbox.messages` are `Posted`. With `leads_to` every answer is a redirect to there."""
    inbox, tls = Inbox(certificate=folder / "broker.crt"), tls_of(folder)

    class Request(QuietRequest):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            taken = inbox.take(Posted(self.path, headers, body))
            self.send_response(307 if leads_to else 204 if taken else 503)
            if leads_to:
                self.send_header("Location", leads_to)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with https_server(tls, Request) as inbox.port:
        yield inbox
