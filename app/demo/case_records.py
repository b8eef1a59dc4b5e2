"""Simulate legal steps and documents of a case."""

import base64
import struct
import zlib
from datetime import date, timedelta

from app.access.permissions import Permission
from app.demo.case_scenarios import to_workday
from app.demo.case_simulation import CaseSimulation
from app.schemas.documents import DocumentCreate
from app.schemas.legal_steps import LegalStepCreate
from app.services.support import documents, legal_steps

LEGAL_STEPS = (
    ("incident", -40, None),
    ("report", -10, "police"),
    ("police_interview", 20, "anti_trafficking_police"),
    ("forensic_examination", 24, "hospital"),
    ("legal_aid", 60, "ngo"),
    ("court_date", 200, "court"),
    ("verdict", 290, "court"),
)
"""Kind, days after the opening of the case, and authority of each legal step."""


async def simulate_legal_steps(simulation: CaseSimulation, until: date) -> None:
    """Record the legal steps up to a day. The next step is planned if it is at most 45 days ahead."""
    count = 3 + simulation.scenario.number % 5
    async with simulation.run_as_lead_worker(Permission.legal_step_record) as (session, caller):
        for kind, days, authority in LEGAL_STEPS[:count]:
            on = to_workday(simulation.scenario.opened_on + timedelta(days=days))
            is_planned = on > until
            if is_planned and (on - simulation.scenario.today).days > 45:
                return
            payload = {
                "kind": kind,
                "on": on.isoformat(),
                "authority": authority,
                "description": simulation.choose_text("legal", kind),
            }
            if is_planned:
                payload |= {
                    "status": "planned",
                    "on": max(on, simulation.scenario.today + timedelta(days=2)).isoformat(),
                    "support_person": "Chan Sopheap",
                }
            if authority in {"court", "police"}:
                payload["file_number"] = f"{simulation.scenario.number:03}/{on.year}"
            with simulation.freeze_day(min(max(on, simulation.scenario.opened_on), until)):
                legal_step = LegalStepCreate.model_validate(payload)
                await legal_steps.create_case_legal_step(session, caller, simulation.case_id, legal_step)
            if is_planned:
                return


DOCUMENT_KINDS = ("drawing", "letter", "medical", "consent", "receipt", "court")


async def simulate_documents(simulation: CaseSimulation, day: date) -> None:
    """Add one or two documents: a drawing is a PNG, every other kind a PDF."""
    async with simulation.run_as(simulation.worker, Permission.document_add, day) as (session, caller):
        for index in range(1 + (simulation.scenario.number % 4 == 1)):
            kind = DOCUMENT_KINDS[(simulation.scenario.number // 2 + index * 2) % len(DOCUMENT_KINDS)]
            title = simulation.choose_text("documents", kind)
            content = _build_png(simulation.scenario.number) if kind == "drawing" else build_pdf()
            payload = {"kind": kind, "title": title, "content": base64.b64encode(content).decode()}
            with simulation.freeze_day(day):
                await documents.create_case_document(
                    session, caller, simulation.case_id, DocumentCreate.model_validate(payload)
                )


def _build_png(number: int) -> bytes:
    """Return a small PNG of a house and a sun. The colour of the sky depends on the number."""
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


def build_pdf(subject: str = "") -> bytes:
    """Return a PDF with one page and one line of text, which contains an ASCII subject (ISO 32000-1, 7.5)."""
    text = f"Invented for the demonstration. {subject}".rstrip()
    line = b"BT /F1 14 Tf 60 760 Td (%s) Tj ET" % text.encode("ascii")
    font = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % font,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(line), line),
    )
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    xref = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    xref += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + xref + trailer
