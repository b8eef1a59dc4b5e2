"""Legal steps and documents."""

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
