"""Encrypted columns are read and written through typed attributes, bound to their table, column and row."""

from typing import TypeVar

import pytest
from sqlalchemy import LargeBinary
from sqlmodel import SQLModel

from app.access.encryption import Cipher, DecryptionError
from app.access.keyring import KeyRing
from app.models import Assessment, CarePlan, Case, Disbursement, DocumentContent
from app.models import encrypted_field as module
from app.models.cases import StoredCaseContent
from app.models.encrypted_field import EncryptedColumn, OptionalEncryptedField, dump_content
from app.models.record import new_id
from app.schemas.cases import CaseContent

Table = TypeVar("Table", bound=SQLModel)
CIPHER = Cipher(KeyRing.generate())


@pytest.fixture(autouse=True)
def _cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encrypt with a key ring of these tests."""
    monkeypatch.setattr(module, "_get_cipher", lambda: CIPHER)


def build_row(table: type[Table]) -> Table:
    """Return a row with an id and no other values."""
    return table(id=new_id())


def list_tables() -> list[type[SQLModel]]:
    tables: list[type[SQLModel]] = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]
    return sorted(tables, key=lambda table: table.__name__)


def list_fields(table: type[SQLModel]) -> dict[str, EncryptedColumn[object]]:
    names = {name for parent in table.__mro__ for name in vars(parent)}
    fields = {name: getattr(table, name) for name in names if not name.startswith("_")}
    return {name: field for name, field in fields.items() if isinstance(field, EncryptedColumn)}


@pytest.mark.parametrize("table", list_tables(), ids=lambda table: table.__tablename__)
def test_every_encrypted_column_has_exactly_one_field(table: type[SQLModel]) -> None:
    # Catches: a column without a field, a field of a column that does not exist, a plain field of a nullable column.
    columns = {column.name: column for column in SQLModel.metadata.tables[str(table.__tablename__)].columns}
    encrypted = {name: column for name, column in columns.items() if name.endswith("_encrypted")}
    fields = list_fields(table)
    assert sorted(field.column for field in fields.values()) == sorted(encrypted)
    for name, field in fields.items():
        assert field.column == f"{name}_encrypted"
        assert isinstance(encrypted[field.column].type, LargeBinary)
        assert isinstance(field, OptionalEncryptedField) == encrypted[field.column].nullable, name


def test_content_is_encrypted_on_assignment_and_decrypted_on_access() -> None:
    case = build_row(Case)
    case.content = {"summary": "The grandmother is worried."}
    assert b"grandmother" not in case.content_encrypted
    assert case.content == {"summary": "The grandmother is worried."}
    assert "content" not in case.model_dump()


def test_content_is_bound_to_its_table_column_and_row() -> None:
    case = build_row(Case)
    case.content = {"summary": None}
    place = {"table": "cases", "column": "content_encrypted", "row_id": case.id}
    assert CIPHER.decrypt(case.content_encrypted, **place) == {"summary": None}  # type: ignore[arg-type]
    assert Case.content.decrypt(case.id, case.content_encrypted) == {"summary": None}
    with pytest.raises(DecryptionError):
        Case.content.decrypt(new_id(), case.content_encrypted)


def test_content_that_was_never_written_is_not_decrypted() -> None:
    with pytest.raises(DecryptionError):
        build_row(Case).content  # noqa: B018 - the access raises


def test_optional_content_is_none_where_the_column_is_null() -> None:
    disbursement = build_row(Disbursement)
    assert disbursement.payee is None
    disbursement.payee = "Sok Dara"
    assert disbursement.payee == "Sok Dara"
    disbursement.payee = None
    assert disbursement.payee_encrypted is None


def test_file_content_is_encrypted_without_json() -> None:
    file = build_row(DocumentContent)
    file.content = b"\xff\xd8"
    assert file.content == DocumentContent.content.decrypt(file.id, file.content_encrypted) == b"\xff\xd8"


def test_field_of_a_mixin_is_bound_to_the_table_of_the_record() -> None:
    assessment = build_row(Assessment)
    assessment.decision_comment = "Add the child's wishes."
    place = {"table": "assessments", "column": "decision_comment_encrypted", "row_id": assessment.id}
    ciphertext = assessment.decision_comment_encrypted
    assert ciphertext is not None
    assert CIPHER.decrypt(ciphertext, **place) == assessment.decision_comment  # type: ignore[arg-type]
    assert Assessment.decision_comment.decrypt(assessment.id, ciphertext) == assessment.decision_comment
    assert Assessment.decision_comment.decrypt(assessment.id, None) is None
    with pytest.raises(DecryptionError):
        CarePlan.decision_comment.decrypt(assessment.id, ciphertext)


def test_fields_need_a_registered_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_get_cipher", module._raise_no_cipher)
    with pytest.raises(RuntimeError, match=r"app\.access\.vault"):
        Case.content.encrypt(new_id(), {"summary": None})


def test_dumped_content_has_the_fields_that_the_content_type_declares() -> None:
    payload = CaseContent(kind="survivor", summary="x")
    assert dump_content(StoredCaseContent, payload) == {"summary": "x"}
