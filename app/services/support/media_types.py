"""Detect the media type of a file from its content. The file name and the sender's headers are not trusted.

The accepted types are those that case workers need and that cannot run code: no HTML, no SVG, no Office files with
macros.
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
    "audio/mp4": (".m4a",),
    "audio/mpeg": (".mp3",),
    "audio/ogg": (".ogg",),
    "audio/wav": (".wav",),
    "video/mp4": (".mp4",),
    "video/3gpp": (".3gp",),
}
"""Accepted media types with their file name extensions, the default extension first."""

_MAGIC_NUMBERS = (
    (re.compile(rb"%PDF-[12]\."), "application/pdf"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF.{4}WEBPVP8[ LX]", re.DOTALL), "image/webp"),
    # ISO base media files with the brand of a HEIC still image (ISO/IEC 23008-12, B.4), as mobile phones write them.
    (re.compile(rb".{4}ftyp(heic|heix)", re.DOTALL), "image/heic"),
    (re.compile(rb".{4}ftypmif1.{4}(.{4})*?heic", re.DOTALL), "image/heic"),
    (re.compile(rb".{4}ftypM4A ", re.DOTALL), "audio/mp4"),
    (re.compile(rb".{4}ftyp3g[a-z0-9]{2}", re.DOTALL), "video/3gpp"),
    (re.compile(rb".{4}ftyp(isom|iso[2-6]|mp4[12]|M4V |avc1)", re.DOTALL), "video/mp4"),
    (re.compile(rb"ID3[\x02-\x04]|\xff[\xfb\xf3\xf2]"), "audio/mpeg"),
    (re.compile(rb"OggS\x00"), "audio/ogg"),
    (re.compile(rb"RIFF.{4}WAVE", re.DOTALL), "audio/wav"),
)
_HEADER_BYTES = 64
_OFFICE_PARTS = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX}
_ZIP_ENTRY_SIGNATURE, _MAX_ZIP_ENTRIES = b"PK\x01\x02", 2000
"""Signature of a directory entry of a ZIP archive, and the limit of entries. Reading more would take too long."""
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def is_recording(media_type: str) -> bool:
    """Return whether a file is a recording of sound or of moving pictures."""
    return media_type.startswith(("audio/", "video/"))


def detect_media_type(content: bytes) -> str | None:
    """Return the media type of a file, or None if the type is not accepted."""
    head = content[:_HEADER_BYTES]
    media_type = next((name for pattern, name in _MAGIC_NUMBERS if pattern.match(head)), None)
    if media_type is None and content.startswith(b"PK\x03\x04"):
        return _detect_office_type(content)
    return media_type or _detect_plain_text(content)


def _detect_office_type(content: bytes) -> str | None:
    """Return the Office format of a ZIP archive by its parts (ECMA-376, part 2), or None. Macros are not accepted."""
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
    """Return `text/plain` for UTF-8 text without control characters that does not begin like markup, or else None."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    is_markup = text.lstrip().startswith("<")
    return None if is_markup or not text.strip() or _CONTROL_CHARACTERS.search(text) else "text/plain"
