"""Documents of a case. Metadata and content are separate tables, so that listing documents reads no file."""

import uuid
from datetime import datetime
from typing import TypedDict

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field

from app.models.encrypted_field import EncryptedField, EncryptedFile
from app.models.record import CaseRecord, CorrectableRecord, encrypted_column, timestamp_column


class StoredDocumentDetails(TypedDict):
    """Title, file name and description of a document."""

    title: str
    file_name: str
    description: str | None


class Document(CaseRecord, CorrectableRecord, table=True):
    """Metadata of one document, such as a letter, a receipt or a drawing."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_newest", text("created_at DESC"), text("id DESC")),
        Index(
            "ix_documents_content_digest",
            "content_digest",
            postgresql_where=text("content_digest IS NOT NULL"),
        ),
    )

    kind: str
    tier: str = "case"
    """`case`, `legal` or `clinical`: decides who can read the document."""
    media_type: str
    """Media type detected from the content."""
    size: int
    """Size of the file in bytes."""
    author_id: uuid.UUID = Field(foreign_key="users.id")
    about_kind: str | None = None
    about_id: uuid.UUID | None = Field(default=None, index=True)
    """Id of the record that the document is about, such as a session or a legal step; NULL if there is none."""
    amount: int | None = Field(default=None, sa_type=BigInteger)
    """Amount on a receipt, quotation or acknowledgement in minor units; NULL if it was not given."""
    currency: str | None = None
    content_digest: bytes | None = None
    """Keyed digest of the file of a receipt or acknowledgement, which recognises a file that was added twice; NULL for other
    kinds."""
    updated_at: datetime = timestamp_column(default_now=True)
    details_encrypted: bytes = encrypted_column()
    details = EncryptedField[StoredDocumentDetails]("details_encrypted")
    """Title, file name, description."""


class DocumentContent(CaseRecord, table=True):
    """Encrypted file of a document. It has the same id as the document."""

    __tablename__ = "document_contents"

    content_encrypted: bytes = encrypted_column()
    content = EncryptedFile("content_encrypted")
