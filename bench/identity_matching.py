"""Measure how well the comparison of children finds duplicates: `python -m bench.identity_matching [FILE]`.

The sets of invented pairs are in `bench/identity_pairs/`. A pair is found if the records have a search token in common and
their score reaches the threshold. The script prints precision and recall, also of a comparison that knows only the names
in one script.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from app.kit.dates import BirthRange
from app.models.contents import StoredPersonName
from app.services.persons import name_matching
from app.services.referrals.identity_profiles import IdentityProfile
from app.services.referrals.similarity import DUPLICATE_THRESHOLD, score_similarity

PAIRS = Path(__file__).parent / "identity_pairs"
RESULT = Path(__file__).parent / "results" / "identity-matching.json"
SCRIPTS = ("khmer", "latin")


def build_names(record: dict[str, Any], scripts: Sequence[str]) -> list[StoredPersonName]:
    """Return the names of a record in some scripts, in the form of the record."""
    names = []
    for index, script in enumerate(SCRIPTS):
        if script in record["scripts"] and script in scripts:
            family, given = record["family"][index], record["given"][index]
            names.append(build_name(script, family, given, record["form"]))
    return names


def build_name(script: str, family: str, given: str, form: str) -> StoredPersonName:
    """Return a name as a person types it: in parts, exchanged, in one field, without a space, or the given name only."""
    if form == "given_only":
        return {"script": script, "family": None, "given": given}
    if form == "exchanged":
        family, given = given, family
    if form in {"one_field", "joined"}:
        space = "" if form == "joined" or script == "khmer" else " "
        return {"script": script, "family": None, "given": family + space + given}
    return {"script": script, "family": family, "given": given}


def build_profile(record: dict[str, Any], scripts: Sequence[str] = SCRIPTS) -> IdentityProfile:
    """Return the compared facts of a record, with the names in some scripts."""
    caregiver = record["caregiver"]
    names = [
        build_name(script, caregiver[0][index], caregiver[1][index], "parts")
        for index, script in enumerate(SCRIPTS)
        if caregiver and script in record["scripts"] and script in scripts
    ]
    return IdentityProfile(
        names=build_names(record, scripts),
        nickname=record["nickname"],
        sex=record["sex"],
        birth=BirthRange.from_details(record["birth"]) if record["birth"] else None,
        place_code=record["place_code"],
        phones=frozenset(record["phones"]),
        caregiver_names=names,
    )


def is_found(pair: dict[str, Any], scripts: Sequence[str] = SCRIPTS) -> bool:
    """Return whether the records of a pair share a search key, and their score reaches the threshold."""
    first, second = (build_profile(record, scripts) for record in pair["records"])
    keys = [
        name_matching.compute_person_keys(profile.names, profile.nickname) | profile.phones
        for profile in (first, second)
    ]
    return bool(keys[0] & keys[1]) and score_similarity(first, second)[0] >= DUPLICATE_THRESHOLD


def measure(pairs: Sequence[dict[str, Any]], scripts: Sequence[str] = SCRIPTS) -> dict[str, float]:
    """Return precision and recall."""
    found = [(pair["is_same"], is_found(pair, scripts)) for pair in pairs]
    true_positives = sum(is_same and is_hit for is_same, is_hit in found)
    hits = sum(is_hit for _, is_hit in found)
    same = sum(is_same for is_same, _ in found)
    return {
        "pairs": len(pairs),
        "precision": round(true_positives / max(hits, 1), 4),
        "recall": round(true_positives / max(same, 1), 4),
    }


def measure_by_kind(pairs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the share of correct answers for each kind of pair."""
    answers: defaultdict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        answers[pair["kind"]].append(is_found(pair) == pair["is_same"])
    return {kind: round(sum(values) / len(values), 2) for kind, values in answers.items()}


def load_pairs(path: Path) -> list[dict[str, Any]]:
    """Return the pairs of a file."""
    pairs: list[dict[str, Any]] = json.loads(path.read_text())
    return pairs


def measure_file(path: Path) -> dict[str, Any]:
    """Return the measurements of a file of pairs."""
    pairs = load_pairs(path)
    return {
        "set": path.stem,
        **measure(pairs),
        "khmer_only": measure(pairs, ("khmer",)),
        "latin_only": measure(pairs, ("latin",)),
        "correct_by_kind": measure_by_kind(pairs),
    }


def main(file: Annotated[Path | None, typer.Argument(help="A set of pairs.")] = None) -> None:
    """Measure the committed sets, print the result and write it to bench/results/identity-matching.json; or one file."""
    if file is not None:
        print(json.dumps(measure_file(file), indent=2))
        return
    results = [measure_file(PAIRS / f"{name}.json") for name in ("development", "control")]
    RESULT.write_text(json.dumps(results, indent=2) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    typer.run(main)
