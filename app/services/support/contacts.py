"""Contacts: whom a support session reaches, and the date of the last contact in a case.

The SQL function `access.is_contact` decides which sessions are contacts.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Case
from app.schemas.codes import CODE_LISTS
from app.schemas.support_sessions import SupportSessionPlan
from app.text_folding import fold_text

CAREGIVERS = frozenset(
    {
        "mother", "father", "stepmother", "stepfather", "adoptive_parent", "grandmother", "grandfather",
        "kinship_carer", "foster_carer", "legal_guardian", "residential_carer",
    }
)  # fmt: skip
"""Codes of the list `relationship` whose labels name a caregiver."""
OTHER_WORDS = {
    "caregiver": "supporter",
    "carer": "supporter",
    "guardian": "supporter",
    "parent": "family",
    "parents": "family",
    "mom": "family",
    "mum": "family",
    "dad": "family",
    "grandma": "family",
    "grandpa": "family",
    "ម៉ាក់": "family",
    "ប៉ា": "family",
    "យាយ": "family",
    "លោកយាយ": "family",
    "តា": "family",
    "លោកតា": "family",
    "ឪពុកម្តាយ": "family",
    "អាណាព្យាបាល": "supporter",
}
"""Words for the child's caregivers that are not labels of a code list."""


def list_contacts(content: SupportSessionPlan) -> list[str]:
    """Return the persons whom a session reaches: as stated, otherwise those whom the participants name.

    A name, or a word that can mean several persons, is ignored.
    """
    stated = content.contact_with or [
        WORDS[word] for word in map(_fold_participant, content.participants) if word in WORDS
    ]
    return list(dict.fromkeys(stated))


async def update_last_contact(session: AsyncSession, case: Case) -> None:
    """Set the last contact of a case to the local date of its latest contact.

    Every act that adds, removes or moves a contact calls this function. It must hold a lock on the case for an update, and
    flush its change of the session first.

    A function of the database updates the case, because the worker of a session need not be staff of the case. `case` is
    not refreshed.
    """
    await session.execute(select(func.access.update_last_contact(case.id)))


def _fold_participant(text: str) -> str:
    return fold_text(text).removeprefix("the ")


def _collect_words() -> dict[str, str]:
    """Return the words that name a person to whom a session can be a contact, with the code of the contact."""
    words = {_fold_participant(word): code for word, code in OTHER_WORDS.items()}
    for code in CODE_LISTS["relationship"].codes:
        if code.code in CAREGIVERS:
            words |= dict.fromkeys(map(_fold_participant, (code.en, code.km)), "family")
    for code in CODE_LISTS["session_contact"].codes:
        if code.code != "other":
            words |= dict.fromkeys(map(_fold_participant, (code.en, code.km)), code.code)
    return words


WORDS = _collect_words()
