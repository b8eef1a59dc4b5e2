"""Build and send e-mails over SMTP."""

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.config import Settings
from app.errors import Unavailable
from app.models.record import utc_now

TIMEOUT_SECONDS = 20.0
"""Maximum time for the connection and for each command of SMTP."""
DEFAULT_PORTS = {"smtp": 25, "starttls": 587, "smtps": 465}


def build_message(settings: Settings, address: str, subject: str, body: str) -> EmailMessage:
    """Return an e-mail in plain text.

    Raises:
        ValueError: the address or the subject contains a line break, or the address is invalid.
    """
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = _parse_address(address)
    message["Subject"] = subject
    message["Date"] = format_datetime(utc_now())
    message["Message-ID"] = make_msgid(
        domain=(settings.mail_from or "").rpartition("@")[2].rstrip(">") or None
    )
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic reply, such as an absence notice
    message.set_content(body, cte="base64")
    return message


def _parse_address(address: str) -> Address:
    try:
        return Address(addr_spec=address)
    except (HeaderParseError, IndexError) as error:
        raise ValueError("The e-mail address is invalid.") from error


async def send_message(settings: Settings, message: EmailMessage) -> None:
    """Send an e-mail by the server of `FIRSTSTEP_SMTP_URL`.

    With `smtps` and `starttls`, the connection is encrypted and the certificate of the server is verified.

    Raises:
        Unavailable: the server cannot be reached, or does not accept the e-mail.
    """
    if settings.smtp_url is None:
        raise Unavailable("FIRSTSTEP_SMTP_URL is not set.")
    url = urlsplit(settings.smtp_url.get_secret_value())
    try:
        await aiosmtplib.send(
            message,
            hostname=url.hostname,
            port=url.port or DEFAULT_PORTS[url.scheme],
            username=unquote(url.username) if url.username else None,
            password=unquote(url.password) if url.password else None,
            use_tls=url.scheme == "smtps",
            start_tls=url.scheme == "starttls",
            timeout=TIMEOUT_SECONDS,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unavailable("The mail server does not accept the e-mail.") from error
