"""Detection of media types from file contents."""

from unittest.mock import Mock
from zipfile import ZipFile

import pytest

from app.services.support import media_types
from app.services.support.media_types import DOCX, detect_media_type
from tests.support.documents import ACCEPTED_FILES, REJECTED_FILES, build_zip_archive


@pytest.mark.parametrize("name", ACCEPTED_FILES)
def test_accepted_type_is_detected_from_the_content(name: str) -> None:
    content, media_type = ACCEPTED_FILES[name]
    assert detect_media_type(content) == media_type


@pytest.mark.parametrize("name", REJECTED_FILES)
def test_other_types_are_not_detected(name: str) -> None:
    assert detect_media_type(REJECTED_FILES[name]) is None


def test_archive_with_too_many_entries_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    zip_file_mock = Mock(wraps=ZipFile)
    monkeypatch.setattr(media_types, "ZipFile", zip_file_mock)
    assert detect_media_type(build_zip_archive("[Content_Types].xml", "word/document.xml")) == DOCX
    assert zip_file_mock.call_count == 1
    content = build_zip_archive(
        "[Content_Types].xml", "word/document.xml", *(str(part) for part in range(20_000))
    )
    assert detect_media_type(content) is None
    assert zip_file_mock.call_count == 1
