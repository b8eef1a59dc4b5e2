"""Measure how much one list of matches reveals about a hidden child: `python -m bench.inference`.

The attacker knows the name of the child and varies the other facts of a referral. The hidden child has a birth year, a
sex and a commune, all combinations with the same probability. The information in an answer, in bits, is the entropy of
the answer: how much a request reveals depends on how evenly its possible answers divide the combinations. The script
tries all kinds of requests and reports the best one for an answer with score and reasons, and for an answer with only
the likelihood.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from pathlib import Path

import typer

from app.kit.dates import BirthRange
from app.services.persons.gazetteer import load_gazetteer
from app.services.referrals.identity_profiles import IdentityProfile
from app.services.referrals.similarity import (
    DUPLICATE_THRESHOLD,
    LIKELY_THRESHOLD,
    score_similarity,
)

RESULT = Path(__file__).parent / "results" / "inference.json"
YEARS = range(2009, 2022)
SEXES = ("male", "female")
PHONE = "+85512345678"
NAME = {"script": "latin", "family": "Vong", "given": "Piseth"}
CAREGIVER = {"script": "latin", "family": "Vong", "given": "Bopha"}
DISTRICT_DIGITS = 4
ANSWERS_PER_DAY = 8
"""Limit per caller, see alembic/sql/functions/matching.sql."""

Answer = tuple[object, ...]


def list_communes() -> list[str]:
    """Return the codes of all communes."""
    return [place.code for place in load_gazetteer().places.values() if place.level == "commune"]


def build_profile(
    birth: BirthRange | None, sex: str | None, place_code: str | None, *, has_phone: bool, has_caregiver: bool
) -> IdentityProfile:
    """Return the compared facts of a child with the known name."""
    return IdentityProfile(
        names=[NAME],  # type: ignore[list-item]  # a name as in the payload
        nickname=None,
        sex=sex,
        birth=birth,
        place_code=place_code,
        phones=frozenset([PHONE] if has_phone else []),
        caregiver_names=[CAREGIVER] if has_caregiver else [],  # type: ignore[list-item]
    )


def list_hidden_children(communes: list[str]) -> list[tuple[IdentityProfile, int]]:
    """Return the kinds of hidden children that the requests can distinguish, with the number of combinations of each."""
    own = communes[len(communes) // 2]
    near = [code for code in communes if code[:DISTRICT_DIGITS] == own[:DISTRICT_DIGITS] and code != own]
    far_count = len(communes) - len(near) - 1
    far = next(code for code in communes if code[:DISTRICT_DIGITS] != own[:DISTRICT_DIGITS])
    places = ((own, 1), (near[0], len(near)), (far, far_count))
    births = [BirthRange(date(year, 7, 1), date(year, 7, 31)) for year in YEARS]
    return [
        (build_profile(birth, sex, place, has_phone=True, has_caregiver=True), count)
        for birth, sex, (place, count) in product(births, SEXES, places)
    ]


def list_requests(own_commune: str) -> Iterator[IdentityProfile]:
    """Yield the profiles of all kinds of requests."""
    middle = YEARS[len(YEARS) // 2]
    births = (
        BirthRange(date(middle, 1, 1), date(middle, 12, 31)),
        BirthRange(date(middle, 1, 1), date(middle, 12, 31), is_estimated=True),
        BirthRange(date(1950, 1, 1), date(1950, 12, 31)),
    )
    places = (None, own_commune[:DISTRICT_DIGITS], own_commune)
    for birth, sex, place, has_phone, has_caregiver in product(
        births, (None, *SEXES), places, (False, True), (False, True)
    ):
        yield build_profile(birth, sex, place, has_phone=has_phone, has_caregiver=has_caregiver)


def answer_with_score(score: float, reasons: list[str]) -> Answer:
    """Return the answer that shows score and reasons."""
    return (score, *reasons) if score >= DUPLICATE_THRESHOLD else ()


def answer_with_likelihood(score: float, reasons: list[str]) -> Answer:
    """Return the answer for a hidden record."""
    del reasons
    return (score >= LIKELY_THRESHOLD,) if score >= DUPLICATE_THRESHOLD else ()


def measure_best_request(build_answer: Callable[[float, list[str]], Answer]) -> float:
    """Return the information in the answer to the best request, in bits."""
    communes = list_communes()
    children = list_hidden_children(communes)
    best = 0.0
    for request in list_requests(communes[len(communes) // 2]):
        counts: Counter[Answer] = Counter()
        for child, count in children:
            counts[build_answer(*score_similarity(request, child))] += count
        best = max(best, compute_entropy(counts))
    return best


def compute_entropy(counts: Counter[Answer]) -> float:
    """Return the entropy of a distribution, in bits."""
    total = counts.total()
    return -sum(count / total * math.log2(count / total) for count in counts.values())


def main() -> None:
    """Measure what a list of matches reveals, print the result and write it to bench/results/inference.json."""
    combinations = len(YEARS) * len(SEXES) * len(list_communes())
    with_likelihood = measure_best_request(answer_with_likelihood)
    result = {
        "combinations": combinations,
        "bits_of_a_combination": round(math.log2(combinations), 2),
        "bits_per_answer_with_score_and_reasons": round(measure_best_request(answer_with_score), 2),
        "bits_per_answer_with_likelihood": round(with_likelihood, 2),
        "bits_per_day_and_caller_with_likelihood": round(with_likelihood * ANSWERS_PER_DAY, 1),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    typer.run(main)
