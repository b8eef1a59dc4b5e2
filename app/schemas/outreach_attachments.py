"""Schemas of the attachments of outreach activities: materials, programmes, reports and photos."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.documents import MAX_BASE64_LENGTH
from app.schemas.references import StaffRef
from app.schemas.warnings import InputWarning
from app.schemas.wire import (
    ClientChosenId,
    CountedPage,
    CountedPageQuery,
    Input,
    ShortNarrative,
    ShortText,
    UtcDateTime,
    Versioned,
)

OutreachAttachmentSort = TypeAliasType("OutreachAttachmentSort", Literal["created_at", "-created_at"])
"""Order of the list of attachments."""


class OutreachAttachmentCreate(Input):
    """A new attachment with its file. The media type is detected from the content."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    title: ShortText = Field(description="Title of the attachment.")
    file_name: ShortText | None = Field(
        None,
        description="File name for downloads, by default the title. Its extension is set to match the content.",
    )
    description: ShortNarrative | None = Field(None, description="Description of the attachment.")
    content: Annotated[
        str,
        Field(
            min_length=4,
            max_length=MAX_BASE64_LENGTH,
            json_schema_extra={"contentEncoding": "base64"},
            repr=False,
            description="The file in base64, at most 10 MiB. Do not upload lists with names of participants.",
        ),
    ]


class OutreachAttachmentFilters(CountedPageQuery, CorrectableFilters):
    """Query parameters of the list of attachments of an activity."""

    sort: OutreachAttachmentSort = Field("-created_at", description="Order of the list.")


class OutreachAttachment(Versioned, Correctable):
    """The metadata of an attachment. The file is downloaded separately."""

    collection: ClassVar[str | None] = "outreach-attachments"

    activity_id: UUID = Field(description="Id of the activity.")
    title: str = Field(description="Title of the attachment.")
    file_name: str = Field(description="File name for downloads, with the extension of the detected type.")
    description: str | None = Field(description="Description of the attachment.")
    media_type: str = Field(description="Media type, detected from the content.")
    size: int = Field(description="Size of the file in bytes.")
    recorded_by_id: UUID = Field(description="Id of the staff member who added the attachment.")
    recorded_by: StaffRef = Field(description="The staff member who added the attachment.")
    created_at: UtcDateTime = Field(description="Time at which the attachment was added.")
    warnings: list[InputWarning] = Field(description="Texts that may contain personal data.")


class OutreachAttachmentList(CountedPage[OutreachAttachment]):
    """One page of attachments."""
