"""Merge patches of the contact details of a person, in which `phone` is the first of `phones`."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from app.kit.records import validate_document
from app.models.contents import StoredPhone
from app.schemas.merge_patch import apply_merge_patch

ModelT = TypeVar("ModelT", bound=BaseModel)


def get_first_phone(details: Mapping[str, Any]) -> StoredPhone | None:
    """Return the first phone of stored details, which responses also contain as `phone`."""
    phones: list[StoredPhone] = details["phones"]
    return phones[0] if phones else None


def apply_person_patch(model: type[ModelT], document: Mapping[str, Any], patch: BaseModel) -> ModelT:
    """Apply a JSON merge patch to the stored details of a person and return the result, validated as `model`.

    Raises:
        InvalidInput: the result is not valid; `errors` points at each field.
    """
    return validate_document(
        model, merge_contact_patch(document, patch.model_dump(mode="json", exclude_unset=True))
    )


def merge_contact_patch(document: Mapping[str, Any] | None, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch to the contact details of a person.

    `phones` replaces the list. `phone` changes the first phone and keeps the other phones; null removes the first
    phone.
    """
    stored_phones: list[StoredPhone] = (document or {}).get("phones", [])
    merged: dict[str, Any] = apply_merge_patch(document, patch)
    if "phone" in patch:
        first = (
            None
            if patch["phone"] is None
            else apply_merge_patch(stored_phones[:1] and stored_phones[0], patch["phone"])
        )
        others = (patch.get("phones") or []) if "phones" in patch else stored_phones[1:]
        merged |= {"phone": first, "phones": others}
    return merged
