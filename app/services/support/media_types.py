"""What a file is, found in its content alone: what a sender says of it, by name or header, is not believed.

Only kinds that a caseworker needs and that no browser runs: no HTML, no SVG, no Office file with macros.
"""

import re
from io import BytesIO
from zipfile import BadZipFile, ZipFile

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "image/heic": (".heic",),
    DOCX: (".docx",),
    XLSX: (".xlsx",),
    "text/plain": (".txt",),
}
"""Every kind that is taken, and the endings of its files' names, the usual one first."""

_MAGIC_NUMBERS = (
    (re.compile(rb"%PDF-[12]\."), "application/pdf"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF.{4}WEBPVP8[ LX]", re.DOTALL), "image/webp"),
    # ISO base media whose major brand is a HEIC still image (ISO/IEC 23008-12, B.4), as telephones write it.
    (re.compile(rb".{4}ftyp(heic|heix)", re.DOTALL), "image/heic"),
    (re.compile(rb".{4}ftypmif1.{4}(.{4})*?heic", re.DOTALL), "image/heic"),
)
_HEADER_BYTES = 64
_OFFICE_PARTS = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX}
_ZIP_ENTRY_SIGNATURE, _MAX_ZIP_ENTRIES = b"PK\x01\x02", 2000
"""How an entry of an archive's directory begins, and how many are looked at: reading them takes time."""
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def detect_media_type(content: bytes) -> str | None:
    """Return the media type of a file, or None where it is of no kind that is taken."""
    head = content[:_HEADER_BYTES]
    found = next((media_type for sign, media_type in _MAGIC_NUMBERS if sign.match(head)), None)
    if found is None and content.startswith(b"PK\x03\x04"):
        return _detect_office_type(content)
    return found or _detect_plain_text(content)


def _detect_office_type(content: bytes) -> str | None:
    """Tell the Office formats by their parts (ECMA-376, part 2); one with macros is none of them."""
    if content.count(_ZIP_ENTRY_SIGNATURE) > _MAX_ZIP_ENTRIES:
        return None
    try:
        with ZipFile(BytesIO(content)) as archive:
            parts = set(archive.namelist())
    except (BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return None
    if "[Content_Types].xml" not in parts or any(part.lower().endswith("vbaproject.bin") for part in parts):
        return None
    return next((media_type for part, media_type in _OFFICE_PARTS.items() if part in parts), None)


def _detect_plain_text(content: bytes) -> str | None:
    """Take UTF-8 without control characters as text, unless it begins as markup does."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    is_markup = text.lstrip().startswith("<")
    return None if is_markup or not text.strip() or _CONTROL_CHARACTERS.search(text) else "text/plain"
