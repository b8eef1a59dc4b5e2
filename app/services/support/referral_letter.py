"""The letter that goes to the provider with a sent service referral. It contains exactly the shared fields."""

import asyncio
from datetime import date, datetime
from uuid import UUID

from app.access.reader import RecordReader
from app.errors import Fault, Unavailable
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.state_machine import raise_if_unmet
from app.rendering.printed_file import PrintedFile
from app.schemas.codes import get_code_label
from app.schemas.service_referrals import ServiceReferral as ServiceReferralSchema
from app.services.persons.places import load_place_refs
from app.services.support.letter_content import PrintableLetter, build_letter_fields
from app.services.support.service_referrals import get_service_referral

_render_semaphore = asyncio.Semaphore(2)
"""Limits the number of concurrent renderings in one process, like that of the care plans."""


async def render_service_referral_letter(
    reader: RecordReader, referral_id: UUID, language: str
) -> tuple[str, PrintedFile]:
    """Return the file name and the content of the letter as PDF.

    Raises:
        NotFound: the service referral does not exist, or the caller cannot see it.
        GateRefused: the service referral was not sent.
        Unavailable: the limit of concurrent renderings is reached.
    """
    if _render_semaphore.locked():
        raise Unavailable("Too many letters are being rendered. Retry after a moment.", retry_after=3)
    async with _render_semaphore:
        referral = await get_service_referral(reader, referral_id)
        if referral.shared is None or referral.sent_at is None or referral.sent_by is None:
            detail = "The service referral was not sent. A letter contains what was shared when it was sent."
            raise_if_unmet([Fault("/status", "status", detail)])
        printable = await _build_letter(reader, referral, language)
        return printable.file_name, await asyncio.to_thread(_render_pdf, printable)


def _render_pdf(printable: PrintableLetter) -> PrintedFile:
    from app.services.support.letter_layout import lay_out_letter  # noqa: PLC0415 - importing fpdf2 takes half a second

    return lay_out_letter(printable)


async def _build_letter(
    reader: RecordReader, referral: ServiceReferralSchema, language: str
) -> PrintableLetter:
    shared = referral.shared or {}
    place_code = (shared.get("place") or {}).get("place_code")
    places = await load_place_refs(reader, [place_code])
    return PrintableLetter(
        file_name=f"service-referral-{str(referral.id)[:8]}.pdf",
        provider_name=referral.provider_name,
        service=get_code_label("service", referral.service, language),
        sent_on=_get_day(referral.sent_at),
        sender_name=referral.sent_by.name if referral.sent_by else "",
        fields=build_letter_fields(
            shared, {code: place[f"name_{language}"] for code, place in places.items()}, language
        ),
        recall_requested_on=_get_day(referral.recall_requested_at) if referral.recall_requested_at else None,
        language=language,
    )


def _get_day(moment: datetime | None) -> date:
    if moment is None:
        raise ValueError("Only a sent service referral has a letter.")
    return moment.astimezone(CAMBODIA_TIMEZONE).date()
