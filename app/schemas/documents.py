"""Schemas of documents. An upload contains the file in base64; a download is a separate request."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.dates import FilterDate
from app.schemas.money import Money, PositiveMoney
from app.schemas.references import CaseRef, StaffRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Output,
    ShortNarrative,
    ShortText,
    UtcDateTime,
    Versioned,
)

MAX_FILE_BYTES = 10 * 1024 * 1024
"""Size of the largest accepted file in bytes."""
MAX_BASE64_LENGTH = 4 * -(-MAX_FILE_BYTES // 3)
"""Length of the largest accepted file in base64."""
_TIER_DESCRIPTION = "Tier, which decides who can read the document. `case`: all readers of the case. `legal`: the staff of the case. `clinical`: the author and the supervisors of the case's team."

DocumentSort = TypeAliasType("DocumentSort", Literal["created_at", "-created_at"])
"""Order of the lists of documents."""


class DocumentSubjectCreate(Input):
    """The record that a new document is about. It belongs to the same case."""

    kind: Annotated[str, CodeOf("record_kind")] = Field(description="Kind of the record.")
    id: Id = Field(description="Id of the record.")


class DocumentCreate(Input):
    """A new document with its file. The media type is detected from the content."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    kind: Annotated[str, CodeOf("document_kind")] = Field(description="Kind of the document.")
    title: ShortText = Field(description="Title of the document.")
    file_name: ShortText | None = Field(
        None,
        description="File name for downloads, by default the title. Its extension is set to match the content.",
    )
    description: ShortNarrative | None = Field(None, description="Description of the document.")
    tier: Annotated[str, CodeOf("tier")] | None = Field(
        None,
        description=f"{_TIER_DESCRIPTION} By default the tier of the record in `about`; without one, `legal` for a "
        f"document of a court or the police and `case` for all others.",
    )
    about: DocumentSubjectCreate | None = Field(
        None,
        description="The record that the document is about, if any. A copy of a receipt, for example one with the name made "
        "unreadable, is about the original document.",
    )
    amount: PositiveMoney | None = Field(
        None,
        description="Amount on a receipt, quotation or acknowledgement. A receipt proves one payment up to its amount.",
    )
    content: Annotated[
        str,
        Field(
            min_length=4,
            max_length=MAX_BASE64_LENGTH,
            json_schema_extra={"contentEncoding": "base64"},
            repr=False,
            description="The file in base64, at most 10 MiB.",
        ),
    ]


class CaseDocumentFilters(CountedPageQuery, CorrectableFilters):
    """Query parameters of the list of documents of a case."""

    kind: CommaSeparated[Annotated[str, CodeOf("document_kind")]] | None = Field(
        None, description="Only documents of these kinds."
    )
    tier: CommaSeparated[Annotated[str, CodeOf("tier")]] | None = Field(
        None, description="Only documents of these tiers."
    )
    about_id: Id | None = Field(None, description="Only documents about the record with this id.")
    sort: DocumentSort = Field("-created_at", description="Order of the list.")


class DocumentFilters(CaseDocumentFilters):
    """Query parameters of the list of documents of all cases."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    case_id: Id | None = Field(None, description="Only documents of this case.")
    team_id: CommaSeparated[Id] | None = Field(None, description="Only documents of cases of these teams.")
    lead_worker_id: CommaSeparated[Id] | None = Field(
        None, description="Only documents of cases of these lead workers."
    )
    since: Annotated[
        FilterDate | None,
        Field(alias="from", description="Only documents added on or after this day, in Cambodia."),
    ] = None
    until: Annotated[
        FilterDate | None,
        Field(alias="to", description="Only documents added on or before this day, in Cambodia."),
    ] = None


class DocumentSubject(Output):
    """The record of the same case that a document is about."""

    kind: Annotated[str, CodeOf("record_kind")] = Field(description="Kind of the record.")
    id: UUID = Field(description="Id of the record.")


class Document(Versioned, Correctable):
    """The metadata of a document. The file is downloaded separately."""

    collection: ClassVar[str | None] = "documents"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    kind: Annotated[str, CodeOf("document_kind")] = Field(description="Kind of the document.")
    tier: Annotated[str, CodeOf("tier")] = Field(description=_TIER_DESCRIPTION)
    title: str = Field(description="Title of the document.")
    file_name: str = Field(description="File name for downloads, with the extension of the detected type.")
    description: str | None = Field(description="Description of the document.")
    media_type: str = Field(description="Media type, detected from the content.")
    size: int = Field(description="Size of the file in bytes.")
    about: DocumentSubject | None = Field(description="The record that the document is about, if any.")
    amount: Money | None = Field(
        description="Amount on a receipt, quotation or acknowledgement; null if it was not given."
    )
    author_id: UUID = Field(description="Id of the staff member who added the document.")
    author: StaffRef = Field(description="The staff member who added the document.")
    created_at: UtcDateTime = Field(description="Time at which the document was added.")


class DocumentSummary(Document):
    """The metadata of a document in the list of all cases, with the child and the case."""

    child: CaseChild = Field(description="The child.")
    case: CaseRef = Field(description="The case.")


class DocumentList(CountedPage[Document]):
    """One page of documents."""


class DocumentSummaryList(CountedPage[DocumentSummary]):
    """One page of the documents of all cases."""
