"""The facts about a child that are compared to find possible duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.kit.dates import BirthRange
from app.models.contents import StoredChildIdentity
from app.models.people import StoredPersonDetails
from app.models.referrals import StoredCaregiver, StoredReferralContent
from app.services.persons.name_similarity import Name


@dataclass(frozen=True, slots=True)
class IdentityProfile:
    """The facts about the child of a referral or of a child record that are compared."""

    names: Sequence[Name]
    nickname: str | None
    sex: str | None
    birth: BirthRange | None
    place_code: str | None
    phones: frozenset[str]
    """Phone numbers of the child and of the contacts, in E.164."""
    caregiver_names: Sequence[Name]


def build_referral_profile(content: StoredReferralContent) -> IdentityProfile:
    """Return the compared facts of a referral."""
    caregiver = content["caregiver"]
    return build_profile(content["child"], content["child"]["sex"], [caregiver] if caregiver else [])


def build_profile(
    identity: StoredChildIdentity,
    sex: str | None,
    contacts: Sequence[StoredCaregiver | StoredPersonDetails],
) -> IdentityProfile:
    """Return the compared facts of a child with its contacts."""
    phones = [*identity["phones"], *(phone for contact in contacts for phone in contact["phones"])]
    return IdentityProfile(
        names=identity["names"],
        nickname=identity["nickname"],
        sex=sex,
        birth=BirthRange.from_known_details(identity["birth"]),
        place_code=identity["place_code"],
        phones=frozenset(phone["e164"] for phone in phones if phone["e164"]),
        caregiver_names=[name for contact in contacts for name in contact["names"]],
    )
