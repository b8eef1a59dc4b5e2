"""Decode uploaded files, detect their media type, and name them for downloads."""

import base64
import binascii

from app.errors import Fault, InvalidInput
from app.schemas.documents import MAX_FILE_BYTES
from app.services.support import media_types
from app.text_folding import normalize_text


def decode_file(encoded: str) -> tuple[bytes, str]:
    """Decode an uploaded file and detect its media type.

    This can take up to half a second. Call it in a thread, so that it does not block other requests.

    Raises:
        InvalidInput: the text is not valid base64, or the file is empty, too large or of a type that is not accepted.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput([Fault("/content", "base64_invalid", "Must be base64.")]) from None
    if len(content) > MAX_FILE_BYTES:
        detail = f"Must be a file of at most {MAX_FILE_BYTES} bytes."
        raise InvalidInput([Fault("/content", "file_too_large", detail)])
    media_type = media_types.detect_media_type(content)
    if media_type is None:
        detail = f"Must be one of: {', '.join(media_types.EXTENSIONS)}."
        raise InvalidInput([Fault("/content", "media_type_unsupported", detail)])
    return content, media_type


def build_file_name(name: str, media_type: str) -> str:
    """Return a safe file name with the extension of the detected media type. It replaces the extension in the request."""
    safe_name = "".join(
        "_" if character in '/\\:*?"<>|' or not character.isprintable() else character
        for character in normalize_text(name)
    )
    extensions = media_types.EXTENSIONS[media_type]
    stem = safe_name.strip(" .") or "document"
    return stem if stem.lower().endswith(extensions) else f"{stem}{extensions[0]}"
