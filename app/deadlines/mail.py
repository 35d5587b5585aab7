"""Messages by SMTP, over TLS: to each party that has an address, and to the operator."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final

from app.broker import Broker
from app.deadlines.messages import subject_of, text_of
from app.deadlines.service import Late
from app.errors import NotSentError
from app.settings import Settings
from schemas.shared.trust import trust_only

# Of each step of the conversation.
TIMEOUT_S: Final = 20.0


class MailOutlet:
    """Mails to one party: what it owes, and for the operator all that is overdue."""

    def __init__(self, broker: Broker, party: str) -> None:
        """Take the broker, whose settings have an address for this party."""
        self.name = f"mail:{party}"
        self.party = None if party == broker.settings.operator else party
        self._broker = broker
        self._address = broker.settings.mail_to[party]

    def send(self, lates: Sequence[Late]) -> None:
        """Send one mail about all of these, or about none for a trial.

        Raises:
            NotSentError: the server did not take it; nothing is known of what becomes of it afterwards.
        """
        settings = self._broker.settings
        mail = EmailMessage()
        mail["Subject"] = subject_of(lates)
        mail["From"] = settings.mail_from
        mail["To"] = self._address
        mail["Date"] = format_datetime(self._broker.machine_clock())
        mail["Message-ID"] = make_msgid(domain=(settings.mail_from or "").rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text_of(lates, settings.address))
        try:
            _send(settings, mail)
        # Neither exception nor answer is passed on: they hold addresses.
        except smtplib.SMTPAuthenticationError:
            raise NotSentError(
                "mail-login", "The mail server does not take the broker's user name and password."
            ) from None
        except ssl.SSLError:
            raise NotSentError(
                "mail-untrusted", "The mail server's certificate is not trusted."
            ) from None
        except (smtplib.SMTPException, ValueError):
            raise NotSentError("mail-refused", "The mail server refused the message.") from None
        except OSError:
            raise NotSentError("mail-unreachable", "The mail server cannot be reached.") from None


def _send(settings: Settings, mail: EmailMessage) -> None:
    where = settings.mail_server or "", settings.mail_port
    if settings.mail_security == "tls":
        context = _context(settings)
        with smtplib.SMTP_SSL(*where, timeout=TIMEOUT_S, context=context) as server:
            _hand_over(settings, server, mail)
        return
    with smtplib.SMTP(*where, timeout=TIMEOUT_S) as server:
        if settings.mail_security == "starttls":
            # A server that has none is refused, and so is one whose certificate is for another name.
            server.starttls(context=_context(settings))
        _hand_over(settings, server, mail)


def _hand_over(settings: Settings, server: smtplib.SMTP, mail: EmailMessage) -> None:
    if settings.mail_user is not None:
        server.login(settings.mail_user, settings.mail_password())
    server.send_message(mail)


def _context(settings: Settings) -> ssl.SSLContext:
    if settings.mail_ca_file is None:
        return ssl.create_default_context()
    return trust_only(settings.mail_ca_file)
