"""The project's English follows the style rules of CONTRIBUTING.md: at most 3 % of the sentences of a place are affected."""

import pytest

from tests.architecture.prose import PLACES, Sentence, read_place

MAX_SHARE = 0.03


@pytest.mark.parametrize("place", PLACES)
def test_excluded_wording_is_rare(place: str) -> None:
    sentences = read_place(place)
    assert len(sentences) > 100
    affected = [sentence for sentence in sentences if sentence.hits]
    assert len(affected) <= MAX_SHARE * len(sentences), "\n".join(
        f"{sentence.path}: {', '.join(sentence.hits)}: {sentence.text}" for sentence in affected
    )


@pytest.mark.parametrize(
    "text",
    [
        "Who is asking: the only source is an event that an earlier, committed transaction wrote",
        "Somebody at the door who is not known yet",
        "Keeping out whatever a library loads",
        "test without an access nobody is anybody",
        "Where it stands.",
        "A principal's wish, told once",
        "What nobody needs any more is forgotten",
        "The walls around it, and the glass that is broken",
        "Says that the process lives",
        "It is no longer ours",
        "Null for a caller who cannot read the entry any more",
        "The faults say which giver refused",
        "The function remembers the last entry",
        "A calendar feed answers 404",
        "The reader understands it at the first look",
        "The address is readable for everyone",
        "The cause of what failed",
        "An act can undo what another act added",
    ],
)
def test_excluded_wording_is_detected(text: str) -> None:
    assert Sentence("planted", text).hits


@pytest.mark.parametrize(
    "text",
    [
        "What is the status of a referral?",
        "Break-glass access is read-only",
        "Restricts writes to the staff assigned to the case",
        "The conflict wall separates the workers of linked cases",
        "Takes an advisory lock per child so that two requests cannot open a case at the same time",
        "Lifecycle status of the referral",
    ],
)
def test_standard_wording_is_accepted(text: str) -> None:
    assert Sentence("planted", text).hits == []
