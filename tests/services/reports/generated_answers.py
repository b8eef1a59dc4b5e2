"""Generated answers about a child, of which each can be missing."""

from typing import Any

from hypothesis import strategies as st

from tests.services.reports.generated_days import codes

DISABILITIES = st.fixed_dictionaries({
    "has_difficulty": st.booleans(),
    "difficulties": st.dictionaries(codes("difficulty_domain"), codes("difficulty_level"), max_size=3),
    "note": st.none(),
})  # fmt: skip
SCHOOLS = st.fixed_dictionaries({"status": codes("school_status"), "grade": st.none(), "name": st.none()})


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the answers that the identity of a child and the child of a referral contain."""
    return {
        "disability": draw(st.none() | DISABILITIES),
        "gender_identity": draw(st.none() | codes("gender_identity")),
        "school": draw(st.none() | SCHOOLS),
        "idpoor": draw(st.none() | codes("idpoor")),
    }
