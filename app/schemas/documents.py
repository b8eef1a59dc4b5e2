"""Documents on a case, on the wire: letters, receipts, drawings. The file itself travels in base64, and only inwards."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Output,
    PageQuery,
    ShortNarrative,
    ShortText,
    UtcDateTime,
    Versioned,
)

MAX_FILE_BYTES = 10 * 1024 * 1024
"""The largest file."""
MAX_BASE64_LENGTH = 4 * -(-MAX_FILE_BYTES // 3)
"""Characters of the largest file in base64."""


class DocumentSubjectCreate(Input):
    """A record of the same case."""

    kind: Annotated[str, CodeOf("record_kind")]
    id: Id


class DocumentCreate(Input):
    """A document; the client may choose the id. What type it is of is found in its content."""

    id: ClientChosenId | None = None
    kind: Annotated[str, CodeOf("document_kind")]
    title: ShortText
    file_name: ShortText | None = None
    description: ShortNarrative | None = None
    tier: Annotated[str, CodeOf("tier")] | None = None
    about: DocumentSubjectCreate | None = None
    content: Annotated[
        str,
        Field(
            min_length=4,
            max_length=MAX_BASE64_LENGTH,
            json_schema_extra={"contentEncoding": "base64"},
            repr=False,
        ),
    ]


class DocumentFilters(PageQuery):
    """Which documents of a case."""

    kind: Annotated[str, CodeOf("document_kind")] | None = None
    tier: Annotated[str, CodeOf("tier")] | None = None
    about_id: Id | None = Field(None, description="Only documents about the record with this id.")


class DocumentSubject(Output):
    """A record of the same case."""

    kind: Annotated[str, CodeOf("record_kind")]
    id: UUID


class Document(Versioned):
    """What is known of a document; its file is read apart."""

    collection: ClassVar[str | None] = "documents"

    child_id: UUID
    case_id: UUID
    kind: Annotated[str, CodeOf("document_kind")]
    tier: Annotated[str, CodeOf("tier")]
    title: str
    file_name: str
    description: str | None
    media_type: str
    size: int
    about: DocumentSubject | None
    author_id: UUID
    created_at: UtcDateTime
