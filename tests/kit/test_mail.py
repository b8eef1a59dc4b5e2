"""E-mails over SMTP: encryption, errors, and header injection."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from app.config import Settings
from app.errors import Unavailable
from app.kit import mail
from tests.support.mail_server import create_certificate, run_mail_server

SENDER = "First Step <no-reply@fsc.example>"


def mail_settings(url: str) -> Settings:
    return Settings(smtp_url=SecretStr(url), mail_from=SENDER)


async def send(settings: Settings) -> None:
    await mail.send_message(settings, mail.build_message(settings, "dpo@fsc.example", "Subject", "Body ខ្មែរ"))


async def test_message_arrives_with_its_text_and_sender() -> None:
    async with run_mail_server() as received:
        await send(mail_settings(f"smtp://127.0.0.1:{received.port}"))
    (message,) = received.messages
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, "dpo@fsc.example", "Subject")
    assert received.recipients == ["dpo@fsc.example"]
    assert message.get_content().strip() == "Body ខ្មែរ"
    assert message["Auto-Submitted"] == "auto-generated"
    assert str(message["Message-ID"]).endswith("@fsc.example>")


@pytest.mark.parametrize("scheme", ["starttls", "smtps"])
async def test_encrypted_connection_verifies_the_certificate_before_the_password(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: validate_certs=False; start_tls=None, which continues without encryption.
    context, certificate = create_certificate(tmp_path)
    async with run_mail_server(scheme=scheme, certificate=context) as received:
        settings = mail_settings(f"{scheme}://sender:s%40fe@127.0.0.1:{received.port}")
        with pytest.raises(Unavailable):
            await send(settings)
        assert received.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await send(settings)
    assert len(received.messages) == 1
    if scheme == "starttls":
        assert received.logins == ["sender:s@fe"]


async def test_starttls_fails_if_the_server_has_no_encryption() -> None:
    async with run_mail_server() as received:
        with pytest.raises(Unavailable):
            await send(mail_settings(f"starttls://127.0.0.1:{received.port}"))
    assert received.messages == []


async def test_refused_message_and_unreachable_server_are_reported() -> None:
    async with run_mail_server() as received:
        received.refusal = "550 No such user"
        settings = mail_settings(f"smtp://127.0.0.1:{received.port}")
        with pytest.raises(Unavailable):
            await send(settings)
    with pytest.raises(Unavailable):
        await send(settings)


async def test_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # Catches: no `timeout` in send_message.
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    ended = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    async with server, asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await send(mail_settings(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        await ended.wait()


@pytest.mark.parametrize(
    "address",
    ["a@fsc.example\r\nBcc: b@fsc.example", "a@fsc.example\nx", "a@fsc.example, b@fsc.example", "a", "@"],
)
def test_address_with_a_second_header_or_recipient_is_rejected(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        mail.build_message(mail_settings("smtp://127.0.0.1"), address, "Subject", "Body")


def test_subject_with_a_second_header_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"."):
        mail.build_message(
            mail_settings("smtp://127.0.0.1"), "a@fsc.example", "Subject\nBcc: b@c.example", ""
        )


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://mail.example", SENDER),
        ("smtp://", SENDER),
        ("mail.example:25", SENDER),
        ("smtp://sender:password@mail.example", SENDER),
        ("smtps://mail.example", None),
        ("smtps://mail.example", "nobody"),
        ("smtps://mail.example", "a@fsc.example\r\nBcc: b@fsc.example"),
    ],
)
def test_unsafe_or_incomplete_mail_settings_are_rejected(url: str, sender: str | None) -> None:
    with pytest.raises(ValidationError):
        Settings(smtp_url=SecretStr(url), mail_from=sender)
