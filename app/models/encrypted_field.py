"""Typed access to encrypted columns: `child.identity` decrypts `child.identity_encrypted`.

Models may not import the key ring, so `app.access.vault` registers the cipher. It is imported by both entry points of
the services: `app.http.session` for requests, and `app.server.act_as` for the command line and the demonstration.
"""

from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar, cast, overload
from uuid import UUID

from pydantic import BaseModel

Content = TypeVar("Content")


class ContentCipher(Protocol):
    """Encrypts and decrypts values that are bound to a table, a column and a row."""

    def encrypt(self, value: object, *, table: str, column: str, row_id: UUID) -> bytes:
        """Encrypt a JSON value."""

    def decrypt(self, ciphertext: bytes, *, table: str, column: str, row_id: UUID | str) -> Any:
        """Decrypt a JSON value."""

    def encrypt_bytes(self, content: bytes, *, table: str, column: str, row_id: UUID) -> bytes:
        """Encrypt bytes."""

    def decrypt_bytes(self, ciphertext: bytes, *, table: str, column: str, row_id: UUID | str) -> bytes:
        """Decrypt bytes."""


def _raise_no_cipher() -> ContentCipher:
    msg = "No cipher is registered: import app.access.vault first."
    raise RuntimeError(msg)


_get_cipher: Callable[[], ContentCipher] = _raise_no_cipher


def register_cipher(get_cipher: Callable[[], ContentCipher]) -> None:
    """Set the function that returns the cipher of all encrypted fields. It is called on every use."""
    global _get_cipher  # noqa: PLW0603 - the single injection point, see the module docstring
    _get_cipher = get_cipher


def dump_content(content_type: type[Content], payload: BaseModel) -> Content:
    """Return the fields of a payload that a content type declares, as JSON values."""
    fields = set(content_type.__annotations__)
    return cast("Content", payload.model_dump(mode="json", include=fields))


class EncryptedColumn(property, Generic[Content]):
    """The encrypted column of a table and the type of its content.

    It is a property because Pydantic recognizes properties: they are not model fields, and they can be assigned.
    """

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column
        self._table: str | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        """Remember the table; a mixin has none."""
        self._table = vars(owner).get("__tablename__")

    def encrypt(self, row_id: UUID, content: Content) -> bytes:
        """Return the ciphertext of a row's content, for writes that do not go through a record."""
        return self._encrypt(self._get_table(), row_id, content)

    def decrypt(self, row_id: UUID | str, ciphertext: bytes) -> Content:
        """Return a row's content, for ciphertexts that were read as plain columns.

        Raises:
            DecryptionError: the ciphertext was changed or belongs to another row, or its key was retired.
        """
        return self._decrypt(self._get_table(), row_id, ciphertext)

    def _get_table(self) -> str:
        if self._table is None:
            msg = f"{self.column} is declared in a mixin: use the attribute of a table."
            raise TypeError(msg)
        return self._table

    def _bind(self, owner: type | None) -> Self:
        """Return the field of a class. A field that a mixin declares has another table in each class."""
        if owner is None or self._table is not None:
            return self
        field = type(self)(self.column)
        field._table = vars(owner).get("__tablename__")  # noqa: SLF001 - the same class
        return field

    def _encrypt(self, table: str, row_id: UUID, content: Content) -> bytes:
        return _get_cipher().encrypt(content, table=table, column=self.column, row_id=row_id)

    def _decrypt(self, table: str, row_id: UUID | str, ciphertext: bytes) -> Content:
        content: Content = _get_cipher().decrypt(ciphertext, table=table, column=self.column, row_id=row_id)
        return content


class EncryptedField(EncryptedColumn[Content]):
    """Encrypted content that every row has: a JSON document (a TypedDict) or a string.

    The column is declared next to it: `identity_encrypted: bytes = encrypted_column()`.
    """

    @overload
    def __get__(self, record: None, owner: type | None = None, /) -> Self: ...
    @overload
    def __get__(self, record: Any, owner: type | None = None, /) -> Content: ...
    def __get__(self, record: Any, owner: type | None = None, /) -> Self | Content:
        """Return the content of a record, or the field itself when it is read from the class."""
        if record is None:
            return self._bind(owner)
        return self._decrypt(record.__tablename__, record.id, getattr(record, self.column))

    def __set__(self, record: Any, content: Content, /) -> None:
        """Encrypt the content into the record's column."""
        setattr(record, self.column, self._encrypt(record.__tablename__, record.id, content))


class OptionalEncryptedField(EncryptedColumn[Content]):
    """Encrypted content that a row may lack; NULL is None."""

    def decrypt(  # type: ignore[override]  # the result is wider than that of a column without NULL
        self, row_id: UUID | str, ciphertext: bytes | None
    ) -> Content | None:
        """Return a row's content, or None for NULL. See `EncryptedColumn.decrypt`."""
        return None if ciphertext is None else super().decrypt(row_id, ciphertext)

    @overload
    def __get__(self, record: None, owner: type | None = None, /) -> Self: ...
    @overload
    def __get__(self, record: Any, owner: type | None = None, /) -> Content | None: ...
    def __get__(self, record: Any, owner: type | None = None, /) -> Self | Content | None:
        """Return the content of a record, or the field itself when it is read from the class."""
        if record is None:
            return self._bind(owner)
        ciphertext = getattr(record, self.column)
        return None if ciphertext is None else self._decrypt(record.__tablename__, record.id, ciphertext)

    def __set__(self, record: Any, content: Content | None, /) -> None:
        """Encrypt the content into the record's column; None becomes NULL."""
        ciphertext = None if content is None else self._encrypt(record.__tablename__, record.id, content)
        setattr(record, self.column, ciphertext)


class EncryptedFile(EncryptedField[bytes]):
    """Encrypted bytes that are not JSON: the content of an uploaded file."""

    def _encrypt(self, table: str, row_id: UUID, content: bytes) -> bytes:
        return _get_cipher().encrypt_bytes(content, table=table, column=self.column, row_id=row_id)

    def _decrypt(self, table: str, row_id: UUID | str, ciphertext: bytes) -> bytes:
        return _get_cipher().decrypt_bytes(ciphertext, table=table, column=self.column, row_id=row_id)
