"""Helpers for tests of documents: sample files and uploads."""

from base64 import b64encode
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from app.services.support.media_types import DOCX, XLSX
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


def build_zip_archive(*parts: str) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for part in parts:
            archive.writestr(part, "<x/>")
    return buffer.getvalue()


LETTER_CONTENT = "ជូនចំពោះ Zqxcanary លោកគ្រូ".encode()
ACCEPTED_FILES = {
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "application/pdf"),
    "pdf 2": (b"%PDF-2.0\n", "application/pdf"),
    "png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
    "webp": (b"RIFF\x24\x00\x0a\x00WEBPVP8 \x18", "image/webp"),
    "webp lossless": (b"RIFF\x24\x00\x0a\x00WEBPVP8L\x18", "image/webp"),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "image/heic"),
    "heic by compatible brand": (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1miafheic", "image/heic"),
    "docx": (build_zip_archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"), DOCX),
    "xlsx": (build_zip_archive("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), XLSX),
    "text": ("ជូនចំពោះ លោកគ្រូ\r\n\tSok".encode(), "text/plain"),
    "m4a": (b"\x00\x00\x00\x1cftypM4A \x00\x00\x00\x00M4A mp42", "audio/mp4"),
    "mp3": (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg"),
    "mp3 without a tag": (b"\xff\xfb\x90\x00", "audio/mpeg"),
    "ogg": (b"OggS\x00\x02\x00\x00", "audio/ogg"),
    "wav": (b"RIFF\x24\x00\x0a\x00WAVEfmt ", "audio/wav"),
    "mp4": (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42", "video/mp4"),
    "3gp": (b"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x00isom3gp4", "video/3gpp"),
    "text with byte order mark": (b"\xef\xbb\xbfDear teacher,", "text/plain"),
}
REJECTED_FILES = {
    "empty": b"",
    "blank": b" \n\t ",
    "byte order mark only": b"\xef\xbb\xbf",
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "html after whitespace": b"\xef\xbb\xbf\n  <html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "xml": b'<?xml version="1.0"?><svg/>',
    "gif": b"GIF89a\x01\x00\x01\x00",
    "windows program": b"MZ\x90\x00\x03\x00\x00\x00",
    "linux program": b"\x7fELF\x02\x01\x01\x00",
    "old word": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64),
    "zip": build_zip_archive("letter.txt"),
    "java": build_zip_archive("META-INF/MANIFEST.MF", "A.class"),
    "powerpoint": build_zip_archive("[Content_Types].xml", "ppt/presentation.xml"),
    "word with macros": build_zip_archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    "excel with macros": build_zip_archive("[Content_Types].xml", "xl/workbook.xml", "xl/VBAProject.BIN"),
    "word without types": build_zip_archive("word/document.xml"),
    "zip signature only": b"PK\x03\x04" + bytes(200),
    "truncated zip": ACCEPTED_FILES["docx"][0][:-30],
    "flac": b"fLaC\x00\x00\x00\x22",
    "avi": b"RIFF\x24\x00\x00\x00AVI LIST",
    "avif": b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1miafavif",
    "pdf signature not at the start": b"\x00\x00%PDF-1.7\n",
    "latin-1": b"D\xe9part",
    "utf-16": "Dear".encode("utf-16"),
    "control characters": b"Dear\x00teacher",
    "escape sequence": b"\x1b[31mDear",
    "truncated jpeg": b"\xff\xd8",
}


async def upload_document(
    scenario: Scenario, case_path: str, client_name: str = "worker_north", **changes: Any
) -> dict[str, Any]:
    return expect_json(
        await scenario.client_for(client_name).post(f"{case_path}/documents", letter_payload(**changes)), 201
    )


def letter_payload(content: bytes = LETTER_CONTENT, **changes: Any) -> dict[str, Any]:
    return {"kind": "letter", "title": "To the school", "content": b64encode(content).decode(), **changes}
