"""Every PDF and picture is printed with the fonts of the application, and counts the characters that no font has."""

import re
from pathlib import Path

from app.http.middleware.cors import RESPONSE_HEADERS
from app.http.openapi.operations import list_operations
from app.http.printed_responses import MISSING_CHARACTERS_HEADER
from app.main import create_app
from tests.architecture.source_files import ROOT

PRINTED_MEDIA_TYPES = {"application/pdf", "image/svg+xml", "image/png"}
UPLOADED_FILES = {
    "download_document",
    "download_disbursement_finance_document",
    "download_outreach_attachment",
}
"""Operations that return a file as it was uploaded."""
LIBRARIES = re.compile(
    r"^\s*(?:import|from) (?:fpdf|uharfbuzz|matplotlib|PIL|reportlab)\b|<text\b", re.MULTILINE
)


def test_every_printed_file_counts_its_missing_characters() -> None:
    # Catches: `SvgResponse` of a router that is a plain Response.
    app = create_app()
    document = app.openapi()
    printed = set()
    for operation in list_operations(app):
        success = next(
            iter(document["paths"][operation.path][operation.method.lower()]["responses"].values())
        )
        if PRINTED_MEDIA_TYPES & set(success.get("content", {})) and operation.id not in UPLOADED_FILES:
            printed.add(operation.id)
            assert operation.returns_printed_file, operation.id
            assert MISSING_CHARACTERS_HEADER in success["headers"], operation.id
    assert {"download_care_plan_pdf", "download_fund_statement_pdf", "get_case_ecomap"} <= printed


def test_only_the_rendering_package_uses_a_library_that_prints() -> None:
    # Catches: `from fpdf import FPDF` in app/services/fund_statements/statement_files.py.
    rendering = ROOT / "app/rendering"
    users = [path for path in Path(ROOT / "app").rglob("*.py") if LIBRARIES.search(path.read_text())]
    assert [path for path in users if rendering not in path.parents] == []
    assert users


def test_missing_characters_header_is_exposed_to_other_origins() -> None:
    # Catches: the header removed from the list.
    assert MISSING_CHARACTERS_HEADER in RESPONSE_HEADERS
