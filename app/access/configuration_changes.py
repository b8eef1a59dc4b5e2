"""Old and new values of changed accounts and configuration, for the access log.

The session collects the changes of every record of `CONFIGURATION_KINDS` that the ORM writes. Statements that bypass the ORM
record their changes with `record_change`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic_core import to_json, to_jsonable_python
from sqlalchemy import LargeBinary, inspect

from app.models import (
    Agency,
    ApiClient,
    ApprovalLimit,
    BooksClosing,
    CaseloadStandard,
    Deposit,
    DonorGrant,
    ExchangeRate,
    Fund,
    FundTransfer,
    Instrument,
    OutreachActivity,
    OutreachAttachment,
    PendingChange,
    Provider,
    Release,
    SupervisionAction,
    SupervisionMeeting,
    Team,
    User,
)

CONFIGURATION_KINDS: dict[type, str] = {
    Agency: "agency",
    ApiClient: "api_client",
    ApprovalLimit: "approval_limit",
    BooksClosing: "books_closing",
    CaseloadStandard: "caseload_standard",
    Deposit: "deposit",
    DonorGrant: "donor_grant",
    ExchangeRate: "exchange_rate",
    Fund: "fund",
    FundTransfer: "fund_transfer",
    Instrument: "instrument",
    OutreachActivity: "outreach_activity",
    OutreachAttachment: "outreach_attachment",
    PendingChange: "pending_change",
    Provider: "provider",
    Release: "release",
    SupervisionAction: "supervision_action",
    SupervisionMeeting: "supervision_meeting",
    Team: "team",
    User: "user",
}
"""Record kind of each table whose changes are in the access log with old and new values."""
SECRET_COLUMNS = {
    "password_hash": "password", "totp_encrypted": "second_factor", "activation_digest": "activation_code",
}  # fmt: skip
"""Columns of which the log contains only that they changed, and their names in the log."""
IGNORED_COLUMNS = frozenset(
    {
        "id", "version", "created_at", "updated_at", "last_used_at", "totp_last_step", "email_key", "name_key",
        "reference_key", "search_key",
        "initial_password_expires_at", "activation_expires_at",
    }
)  # fmt: skip
"""Columns without a value of their own, or that are not changed by an act on the record."""
HIDDEN = "hidden"
"""Stands in the log for a password, a secret or an encrypted value."""


@dataclass(slots=True)
class ConfigurationChanges:
    """Collects the changes of a request, by kind and id of the record."""

    by_record: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)

    def add(self, kind: str, record_id: UUID, changes: Mapping[str, tuple[Any, Any]]) -> None:
        """Add old and new values by field. The first old and the last new value of a field are kept."""
        record_changes = self.by_record.setdefault((kind, str(record_id)), {})
        for name, (old, new) in changes.items():
            values = record_changes.setdefault(name, {"old": to_jsonable_python(old)})
            values["new"] = to_jsonable_python(new)

    def serialize(self, kind: str | None, record_id: str | None) -> str | None:
        """Return the changes of a record as JSON, or None if it has none."""
        if not self.by_record or kind is None or record_id is None:
            return None
        changes = {
            name: values
            for name, values in self.by_record.get((kind, record_id), {}).items()
            if values["old"] != values["new"] or values["new"] == HIDDEN
        }
        return to_json(changes).decode() if changes else None


def copy_columns(record: object) -> dict[str, Any]:
    """Return the values of the columns of a record that the log contains."""
    state = inspect(record)
    names = (state.mapper.get_property_by_column(column).key for column in state.mapper.columns)
    return {name: state.dict[name] for name in names if name not in IGNORED_COLUMNS}


def compare_columns(record: object, old: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the old and new value of each column of a record that differs from an earlier copy, or is not in the copy."""
    columns = inspect(record).mapper.columns
    changes = {}
    for name, new in copy_columns(record).items():
        if old.get(name) != new:
            is_secret = isinstance(columns[name].type, LargeBinary) or name in SECRET_COLUMNS
            values = (old.get(name), new)
            changes[_get_logged_name(name)] = (_hide(values[0]), _hide(new)) if is_secret else values
    return changes


def find_changes(record: object, *, is_new: bool) -> dict[str, tuple[Any, Any]]:
    """Return the old and new value of each column that a flush writes."""
    changes = {}
    state = inspect(record)
    for column in state.mapper.columns:
        name = state.mapper.get_property_by_column(column).key
        if name in IGNORED_COLUMNS:
            continue
        history = state.attrs[name].history
        old = None if is_new or not history.deleted else history.deleted[0]
        new = state.dict.get(name)
        if (is_new and new is not None) or (not is_new and history.has_changes()):
            is_secret = isinstance(column.type, LargeBinary) or name in SECRET_COLUMNS
            changes[_get_logged_name(name)] = (_hide(old), _hide(new)) if is_secret else (old, new)
    return changes


def _get_logged_name(name: str) -> str:
    return SECRET_COLUMNS.get(name, name.removesuffix("_encrypted"))


def _hide(value: object) -> str | None:
    return None if value is None else HIDDEN
