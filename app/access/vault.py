"""The keys of this process and the mechanisms that use them.

Importing this module registers the cipher of the encrypted fields of all tables.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from app.access.blind_index import BlindIndex
from app.access.encryption import Cipher
from app.access.keyring import KeyRing
from app.access.tokens import AccessTokens
from app.config import get_settings
from app.models.encrypted_field import register_cipher


@dataclass(frozen=True, slots=True)
class Vault:
    """Every mechanism that needs a key."""

    key_ring: KeyRing
    cipher: Cipher
    blind_index: BlindIndex
    access_tokens: AccessTokens


@cache
def get_vault() -> Vault:
    """Return the vault of this process. Its mechanisms reload the key ring when its file changes."""
    settings = get_settings()
    key_ring = (
        KeyRing.load(settings.key_ring_path)
        if settings.keys is None
        else KeyRing.parse(settings.keys.get_secret_value())
    )
    return Vault(
        key_ring,
        Cipher(key_ring),
        BlindIndex(key_ring.blind_index),
        AccessTokens(key_ring, settings.issuer),
    )


register_cipher(lambda: get_vault().cipher)


# The functions below are replaced by the typed attributes of the tables and are deleted with their last caller.
COLUMN_BY_OLD_NAME = {
    ("children", "sealed"): "identity_encrypted",
    ("people", "sealed"): "details_encrypted",
    ("consents", "sealed"): "details_encrypted",
    ("consents", "withdrawal_sealed"): "withdrawal_reason_encrypted",
    ("cases", "sealed"): "content_encrypted",
    ("case_links", "reason_sealed"): "reason_encrypted",
    ("break_glass", "reason_sealed"): "reason_encrypted",
    ("case_history", "sealed"): "detail_encrypted",
    ("referrals", "sealed"): "content_encrypted",
    ("referrals", "outcome_sealed"): "outcome_encrypted",
    ("referral_questions", "question_sealed"): "question_encrypted",
    ("referral_questions", "answer_sealed"): "answer_encrypted",
    ("assessments", "sealed"): "content_encrypted",
    ("care_plans", "sealed"): "content_encrypted",
    ("plan_areas", "sealed"): "content_encrypted",
    ("goals", "sealed"): "content_encrypted",
    ("actions", "sealed"): "content_encrypted",
    ("assessments", "decision_sealed"): "decision_comment_encrypted",
    ("care_plans", "decision_sealed"): "decision_comment_encrypted",
    ("exit_plans", "decision_sealed"): "decision_comment_encrypted",
    ("reviews", "sealed"): "content_encrypted",
    ("exit_plans", "sealed"): "content_encrypted",
    ("follow_ups", "sealed"): "content_encrypted",
    ("support_sessions", "sealed"): "content_encrypted",
    ("clinical_notes", "sealed"): "text_encrypted",
    ("session_addenda", "sealed"): "text_encrypted",
    ("legal_steps", "sealed"): "content_encrypted",
    ("documents", "sealed"): "details_encrypted",
    ("document_contents", "sealed"): "content_encrypted",
    ("service_referrals", "sealed"): "content_encrypted",
    ("disbursements", "payee_sealed"): "payee_encrypted",
    ("disbursements", "reversal_sealed"): "reversal_reason_encrypted",
    ("disbursement_details", "sealed"): "content_encrypted",
    ("users", "totp_sealed"): "totp_encrypted",
    ("idempotency_records", "sealed"): "response_encrypted",
}


def encrypt(record: Any, column: str, value: Any) -> None:
    """Write a JSON value into an encrypted column of a record, bound to the record's id."""
    table = record.__tablename__
    column = COLUMN_BY_OLD_NAME.get((table, column), column)
    ciphertext = get_vault().cipher.encrypt(value, table=table, column=column, row_id=record.id)
    setattr(record, column, ciphertext)


def decrypt(record: Any, column: str = "sealed") -> Any:
    """Read an encrypted column of a record. An empty column is an empty dict.

    Raises:
        DecryptionError: the value was changed or belongs to another row, or its key was retired.
    """
    column = COLUMN_BY_OLD_NAME.get((record.__tablename__, column), column)
    ciphertext = getattr(record, column)
    return decrypt_value(record.__tablename__, column, record.id, ciphertext) if ciphertext else {}


def decrypt_value(table: str, column: str, row_id: UUID, ciphertext: bytes) -> Any:
    """Decrypt a value that was read without its record."""
    column = COLUMN_BY_OLD_NAME.get((table, column), column)
    return get_vault().cipher.decrypt(ciphertext, table=table, column=column, row_id=row_id)
