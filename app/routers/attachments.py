"""Responses with a file as attachment."""

import re
from urllib.parse import quote

from starlette.responses import Response

_UNSAFE_FILE_NAME_CHARACTER = re.compile(r"[^A-Za-z0-9._ -]")


def build_attachment_response(name: str, media_type: str, content: bytes) -> Response:
    """Return a response that a browser saves as a file.

    The header contains the file name in ASCII for old clients and in UTF-8 for the others (RFC 6266, RFC 8187). The
    security headers of all responses keep a browser from guessing the type, running the file or caching it.
    """
    file_names = (
        f"filename=\"{_UNSAFE_FILE_NAME_CHARACTER.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    return Response(
        content, headers={"Content-Disposition": f"attachment; {file_names}"}, media_type=media_type
    )
