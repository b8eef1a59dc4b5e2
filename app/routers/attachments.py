"""Files as answers: to be saved, never shown in place."""

import re
from urllib.parse import quote

from starlette.responses import Response

_UNSAFE_FILE_NAME_CHARACTER = re.compile(r"[^A-Za-z0-9._ -]")


def build_attachment_response(name: str, media_type: str, content: bytes) -> Response:
    """Return a file as an attachment; its name stands there twice, for old and for new clients (RFC 6266, RFC 8187).

    That no browser guesses its type, runs it or keeps it, the security headers of every answer say.
    """
    names = (
        f"filename=\"{_UNSAFE_FILE_NAME_CHARACTER.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    return Response(content, headers={"Content-Disposition": f"attachment; {names}"}, media_type=media_type)
