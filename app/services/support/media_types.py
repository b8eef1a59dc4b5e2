"""What a file is, found in its content alone: what a sender says of it, by name or header, is not believed.

Only kinds that a caseworker needs and that no browser runs: no HTML, no SVG, no Office file with macros.
"""

import re
from io import BytesIO
from zipfile import BadZipFile, ZipFile

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ENDINGS: dict[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "image/heic": (".heic",),
    WORD: (".docx",),
    EXCEL: (".xlsx",),
    "text/plain": (".txt",),
}
"""Every kind that is taken, and the endings of its files' names, the usual one first."""

_SIGNS = (
    (re.compile(rb"%PDF-[12]\."), "application/pdf"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF.{4}WEBPVP8[ LX]", re.DOTALL), "image/webp"),
    # ISO base media whose major brand is a HEIC still image (ISO/IEC 23008-12, B.4), as telephones write it.
    (re.compile(rb".{4}ftyp(heic|heix)", re.DOTALL), "image/heic"),
    (re.compile(rb".{4}ftypmif1.{4}(.{4})*?heic", re.DOTALL), "image/heic"),
)
_HEAD = 64
_PARTS = {"word/document.xml": WORD, "xl/workbook.xml": EXCEL}
_PART, _MOST_PARTS = b"PK\x01\x02", 2000
"""How an entry of an archive's directory begins, and how many are looked at: reading them takes time."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def of(content: bytes) -> str | None:
    """Return the media type of a file, or None where it is of no kind that is taken."""
    head = content[:_HEAD]
    found = next((media_type for sign, media_type in _SIGNS if sign.match(head)), None)
    if found is None and content.startswith(b"PK\x03\x04"):
        return _office(content)
    return found or _text(content)


def _office(content: bytes) -> str | None:
    """Tell the Office formats by their parts (ECMA-376, part 2); one with macros is none of them."""
    if content.count(_PART) > _MOST_PARTS:
        return None
    try:
        with ZipFile(BytesIO(content)) as archive:
            parts = set(archive.namelist())
    except (BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return None
    if "[Content_Types].xml" not in parts or any(part.lower().endswith("vbaproject.bin") for part in parts):
        return None
    return next((media_type for part, media_type in _PARTS.items() if part in parts), None)


def _text(content: bytes) -> str | None:
    """Take UTF-8 without control characters as text, unless it begins as markup does."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    is_markup = text.lstrip().startswith("<")
    return None if is_markup or not text.strip() or _NO_TEXT.search(text) else "text/plain"
