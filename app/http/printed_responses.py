"""The response classes of PDFs and pictures. All of them count the characters that no font has, in a header."""

from typing import Any

from starlette.responses import Response

from app.rendering.printed_file import PrintedFile

MISSING_CHARACTERS_HEADER = "Missing-Characters"
"""Header with the number of characters that the file shows as a box, because no font has them."""


class PrintedResponse(Response):
    """A PDF or a picture. The functions below build it with its headers."""


class SvgResponse(PrintedResponse):
    """An SVG picture for inline display, without scripts and external resources."""

    media_type = "image/svg+xml"


class PdfResponse(PrintedResponse):
    """A PDF document."""

    media_type = "application/pdf"


PDF_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {PdfResponse.media_type: {"schema": {"type": "string", "format": "binary"}}}}
}
"""The documented responses of an endpoint that returns a PDF."""


def build_svg_response(printed: PrintedFile, language: str) -> SvgResponse:
    """Return a picture for inline display."""
    return SvgResponse(printed.content, headers=_build_headers(printed, language, "inline"))


def build_pdf_response(
    file_name: str, printed: PrintedFile, language: str, disposition: str = "inline"
) -> PdfResponse:
    """Return a PDF for inline display, or with the disposition `attachment` for saving."""
    headers = _build_headers(printed, language, f'{disposition}; filename="{file_name}"')
    return PdfResponse(printed.content, headers=headers)


def build_printed_response(
    file_name: str, media_type: str, printed: PrintedFile, language: str
) -> PrintedResponse:
    """Return a PDF or a picture for saving."""
    headers = _build_headers(printed, language, f'attachment; filename="{file_name}"')
    return PrintedResponse(printed.content, headers=headers, media_type=media_type)


def _build_headers(printed: PrintedFile, language: str, disposition: str) -> dict[str, str]:
    return {
        "Content-Disposition": disposition,
        "Content-Language": language,
        "Vary": "Accept-Language",
        MISSING_CHARACTERS_HEADER: str(printed.missing_characters),
    }
