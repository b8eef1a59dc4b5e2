"""The type of a file, found in its content: every kind that is taken, and what only looks like one."""

from unittest.mock import Mock
from zipfile import ZipFile

import pytest

from app.services.support import media_types
from app.services.support.media_types import DOCX, detect_media_type
from tests.support.documents import ACCEPTED_FILES, REJECTED_FILES, build_zip_archive


@pytest.mark.parametrize("name", ACCEPTED_FILES)
def test_what_is_taken_is_known_by_its_content(name: str) -> None:
    content, media_type = ACCEPTED_FILES[name]
    assert detect_media_type(content) == media_type


@pytest.mark.parametrize("name", REJECTED_FILES)
def test_what_is_of_no_kind_that_is_taken_is_none(name: str) -> None:
    assert detect_media_type(REJECTED_FILES[name]) is None


def test_an_archive_of_very_many_parts_is_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_through = Mock(wraps=ZipFile)
    monkeypatch.setattr(media_types, "ZipFile", looked_through)
    assert detect_media_type(build_zip_archive("[Content_Types].xml", "word/document.xml")) == DOCX
    assert looked_through.call_count == 1
    content = build_zip_archive(
        "[Content_Types].xml", "word/document.xml", *(str(part) for part in range(20_000))
    )
    assert detect_media_type(content) is None
    assert looked_through.call_count == 1
