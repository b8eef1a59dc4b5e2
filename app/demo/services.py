"""What the demonstration's cases ask of others, and keep: service referrals, legal steps, documents."""

import base64
import struct
import zlib
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.child import CaseSimulation
from app.demo.storylines import to_workday
from app.schemas.documents import DocumentCreate
from app.schemas.legal_steps import LegalStepCreate
from app.schemas.service_referrals import (
    ServiceReferralAcceptance,
    ServiceReferralCancellation,
    ServiceReferralCompletion,
    ServiceReferralCreate,
    ServiceReferralDecline,
)
from app.services.support import documents, legal_steps, service_referral_outcomes, service_referrals
from app.services.support import service_referral_send as service_referrals_send

SERVICE_REFERRAL_STATUSES = (
    "completed",
    "accepted",
    "completed",
    "sent",
    "declined",
    "completed",
    "cancelled",
    "draft",
)
OUTCOMES = ("need_met", "need_met", "partly_met", "not_used", "not_met")
SHARED_FIELDS = (
    ["names", "age", "sex", "need"],
    ["names", "age", "need", "supporter", "phone"],
    ["age", "school", "need"],
)
WITHOUT_CONSENT_INTERVAL = 23
"""Of so many children one is referred on a legal basis, without consent."""

CHECKED_PROVIDERS = demo_people.PROVIDERS[:-1]


async def simulate_service_referral(life: CaseSimulation, day: date, turn: int) -> None:
    """Play a service referral: drafted, sent, answered, ended, or as far as it came."""
    number = life.scenario.number + turn * 3
    ending = SERVICE_REFERRAL_STATUSES[number % len(SERVICE_REFERRAL_STATUSES)]
    async with life.run_as(life.worker, Permission.service_referral_make, day) as (session, actor):
        told = ServiceReferralCreate.model_validate(_build_service_referral(life, number, day))
        made = await service_referrals.create_case_service_referral(session, actor, life.case_id, told)
    if ending == "draft":
        return
    async with life.run_as(life.worker, Permission.service_referral_send, day) as (session, actor):
        sent = await service_referrals_send.send_service_referral(session, actor, made.id, made.version)
    answered_on = day + timedelta(days=3 + number % 9)
    if ending == "sent" or answered_on > life.scenario.last_day:
        return
    await _record_provider_answer(life, sent.id, sent.version, ending, answered_on)


async def _record_provider_answer(
    life: CaseSimulation, referral_id: UUID, version: int, ending: str, day: date
) -> None:
    async with life.run_as(life.worker, Permission.service_referral_follow, day) as (session, actor):
        if ending == "declined":
            why = ServiceReferralDecline(reason=life.choose_text("service_declined"))
            await service_referral_outcomes.decline_service_referral(
                session, actor, referral_id, version, why
            )
            return
        if ending == "cancelled":
            gone = ServiceReferralCancellation(reason=life.choose_text("service_cancelled"))
            await service_referral_outcomes.cancel_service_referral(
                session, actor, referral_id, version, gone
            )
            return
        answer = ServiceReferralAcceptance(note=life.choose_text("service_answer"))
        version = (
            await service_referral_outcomes.accept_service_referral(
                session, actor, referral_id, version, answer
            )
        ).version
        ended_on = day + timedelta(days=25)
        if ending == "completed" and ended_on <= life.scenario.last_day:
            with life.freeze_day(ended_on):
                outcome = OUTCOMES[life.rng.randrange(len(OUTCOMES))]
                done = ServiceReferralCompletion(outcome=outcome, note=life.choose_text("service_done"))
                await service_referral_outcomes.complete_service_referral(
                    session, actor, referral_id, version, done
                )


def _build_service_referral(life: CaseSimulation, number: int, day: date) -> dict[str, Any]:
    name, _, offered, _ = CHECKED_PROVIDERS[number % len(CHECKED_PROVIDERS)]
    known = [service for service in offered if service in life.texts.list_codes("services")]
    service = known[number // len(CHECKED_PROVIDERS) % len(known)]
    (entry,) = life.texts.list_entries("services", service)
    told = {
        "provider_id": str(life.context.ids.provider_ids[name]),
        "service": service,
        "area": entry[0],
        "need": life.texts.get_text(entry),
        "shared_fields": SHARED_FIELDS[number % len(SHARED_FIELDS)],
    }
    if number % WITHOUT_CONSENT_INTERVAL:
        return {**told, "consent_id": str(life.consent_id)}
    basis = {
        "basis": "vital_interest",
        "decided_by": "Chea Rith",
        "on": to_workday(day).isoformat(),
        "child_told": True,
    }
    return {**told, "basis_without_consent": {**basis, "reason": "The doctor could not wait for the mother."}}


LEGAL_STEPS = (
    ("incident", -40, None),
    ("report", -10, "police"),
    ("police_interview", 20, "anti_trafficking_police"),
    ("forensic_examination", 24, "hospital"),
    ("legal_aid", 60, "ngo"),
    ("court_date", 200, "court"),
    ("verdict", 290, "court"),
)
"""Kind, days after the opening of the case, authority."""


async def simulate_legal_steps(life: CaseSimulation, until: date) -> None:
    """Play the legal steps up to a day; the first that lies ahead is planned, if it is near enough to be known."""
    reach = 3 + life.scenario.number % 5
    async with life.run_as_lead_worker(Permission.legal_step_record) as (session, actor):
        for kind, after, authority in LEGAL_STEPS[:reach]:
            on = to_workday(life.scenario.opened_on + timedelta(days=after))
            is_ahead = on > until
            if is_ahead and (on - life.scenario.today).days > 45:
                return
            told = {
                "kind": kind,
                "on": on.isoformat(),
                "authority": authority,
                "description": life.choose_text("legal", kind),
            }
            if is_ahead:
                told |= {
                    "status": "planned",
                    "on": max(on, life.scenario.today + timedelta(days=2)).isoformat(),
                }
                told["support_person"] = "Chan Sopheap"
            if authority in {"court", "police"}:
                told["file_number"] = f"{life.scenario.number:03}/{on.year}"
            with life.freeze_day(min(max(on, life.scenario.opened_on), until)):
                step = LegalStepCreate.model_validate(told)
                await legal_steps.create_case_legal_step(session, actor, life.case_id, step)
            if is_ahead:
                return


DOCUMENT_KINDS = ("drawing", "letter", "medical", "consent", "receipt", "court")


async def simulate_documents(life: CaseSimulation, day: date) -> None:
    """Keep a document or two: a drawing as a picture, the others on paper."""
    async with life.run_as(life.worker, Permission.document_add, day) as (session, actor):
        for turn in range(1 + (life.scenario.number % 4 == 1)):
            kind = DOCUMENT_KINDS[(life.scenario.number // 2 + turn * 2) % len(DOCUMENT_KINDS)]
            title = life.choose_text("documents", kind)
            content = _build_png(life.scenario.number) if kind == "drawing" else build_pdf()
            told = {"kind": kind, "title": title, "content": base64.b64encode(content).decode()}
            with life.freeze_day(day):
                await documents.create_case_document(
                    session, actor, life.case_id, DocumentCreate.model_validate(told)
                )


def _build_png(number: int) -> bytes:
    """Return a small PNG: a house, a sun, another sky for each child."""
    width, height = 48, 36
    sky = (120 + number * 7 % 100, 170 + number * 5 % 60, 235)
    rows = []
    for y in range(height):
        row = bytearray(b"\x00")
        for x in range(width):
            is_house = 14 <= x < 34 and (y >= 20 or y - 12 >= abs(x - 24))
            is_sun = (x - 40) ** 2 + (y - 7) ** 2 < 20
            row += bytes((150, 90, 60) if is_house and y < 32 else (250, 210, 60) if is_sun else sky)
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def build_pdf() -> bytes:
    """Return a PDF of one page with a line on it (ISO 32000-1, 7.5)."""
    line = b"BT /F1 14 Tf 60 760 Td (Invented for the demonstration.) Tj ET"
    font = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % font,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(line), line),
    )
    written, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(written))
    return written + head + table + end
