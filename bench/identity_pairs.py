"""Invent pairs of records about the same child, or about two children: `python -m bench.identity_pairs` writes both sets.

The first set is for the choice of weights and thresholds. The second set has other names, other errors and other
frequencies of missing facts, and only measures.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import typer

from bench.identity_names import (
    FAMILY_SPELLINGS,
    SECOND_SERIES_SPELLINGS,
    SIMILAR_GIVEN_NAMES,
    SREY_SPELLINGS,
)
from bench.identity_records import COMMUNES, Record, RecordGenerator, Rules, Spelling

PAIRS = Path(__file__).parent / "identity_pairs"
PAIRS_PER_KIND = 27

SETS = {
    "development": Rules(seed=1, names=slice(0, None, 2), missing=0.15, respelled=0.5, letters=""),
    "control": Rules(seed=2, names=slice(1, None, 2), missing=0.25, respelled=0.7, letters="aeiout"),
}


class PairGenerator(RecordGenerator):
    """Invents pairs by the rules of a set."""

    def build_pairs(self) -> list[dict[str, object]]:
        """Return the pairs of all kinds."""
        kinds: dict[str, tuple[bool, Callable[[], tuple[Record, Record]]]] = {
            "other_script": (True, self._other_script),
            "other_spelling": (True, self._other_spelling),
            "exchanged_or_joined": (True, self._other_form),
            "wrong_birth": (True, self._wrong_birth),
            "wrong_sex_or_moved": (True, self._wrong_sex_or_moved),
            "other_caregiver": (True, self._other_caregiver),
            "sibling": (False, lambda: self._sibling(is_twin=False)),
            "twin": (False, lambda: self._sibling(is_twin=True)),
            "cousin": (False, self._cousin),
            "namesake": (False, self._namesake),
            "frequent_name": (False, self._frequent_name),
            "neighbour": (False, self._neighbour),
            "given_name_only": (True, self._given_name_only),
            "without_srey": (True, self._without_srey),
            "second_series_vowel": (True, self._second_series_vowel),
            "other_family_name": (True, self._other_family_name),
            "similar_twin": (False, self._similar_twin),
        }
        pairs = []
        for kind, (is_same, build) in kinds.items():
            for _ in range(PAIRS_PER_KIND):
                first, second = build()
                records = [asdict(first), asdict(second)]
                pairs.append({"kind": kind, "is_same": is_same, "records": records})
        return pairs

    def _other_script(self) -> tuple[Record, Record]:
        child = replace(self.build_child(), scripts=("khmer",))
        return child, self.report_again(child, scripts=("latin",))

    def _other_spelling(self) -> tuple[Record, Record]:
        child = replace(self.build_child(), scripts=("latin",))
        return child, self.report_again(child, scripts=("latin",))

    def _other_form(self) -> tuple[Record, Record]:
        child = self.build_child()
        return child, self.report_again(child, form=self.rng.choice(("exchanged", "one_field", "joined")))

    def _wrong_birth(self) -> tuple[Record, Record]:
        child = self.build_child()
        day = date(2010 + self.rng.randrange(8), self.rng.randint(1, 12), self.rng.randint(1, 12))
        wrong = self.rng.choice(
            (
                date(day.year, day.day, day.month),
                day.replace(year=day.year + self.rng.choice((-1, 1))),
                day.replace(day=day.day + 10),
                day.replace(year=day.year + self.rng.choice((-3, 4)), day=15),
            )
        )
        births: list[dict[str, object]] = [
            {"date": each.isoformat(), "precision": "day"} for each in (day, wrong)
        ]
        again = self.report_again(child, birth=births[1], caregiver=child.caregiver, phones=child.phones)
        return replace(child, birth=births[0]), again

    def _wrong_sex_or_moved(self) -> tuple[Record, Record]:
        child = self.build_child()
        if self.rng.random() < 0.5:
            return child, self.report_again(child, sex="male" if child.sex == "female" else "female")
        return child, self.report_again(child, place_code=self.rng.choice(COMMUNES))

    def _other_caregiver(self) -> tuple[Record, Record]:
        child = self.build_child()
        other = self.build_child()
        is_other_phone = self.rng.random() < 0.5
        return child, self.report_again(
            child,
            caregiver=other.caregiver,
            birth=child.birth,
            place_code=child.place_code,
            phones=other.phones if is_other_phone else child.phones,
        )

    def _sibling(self, *, is_twin: bool) -> tuple[Record, Record]:
        child = self.build_child()
        given = self.choose(self.givens)
        while given[0] == child.given[0]:
            given = self.choose(self.givens)
        other = {"given": given, "sex": self.rng.choice(("male", "female"))}
        other["birth"] = child.birth if is_twin else self.invent_birth()  # type: ignore[assignment]  # a birth
        return child, replace(self.report_again(child), **other)  # type: ignore[arg-type]  # fields

    def _cousin(self) -> tuple[Record, Record]:
        child, other = self.build_child(), self.build_child()
        return child, replace(
            other, family=child.family, place_code=child.place_code, given=self._other_given(child)
        )

    def _other_given(self, child: Record) -> Spelling:
        givens = [name for name in self.givens if name[0] != child.given[0]]
        return self.choose(givens)

    def _namesake(self) -> tuple[Record, Record]:
        child, other = self.build_child(), self.build_child()
        return child, replace(other, family=self.respell(child.family), given=self.respell(child.given))

    def _frequent_name(self) -> tuple[Record, Record]:
        child, other = self.build_child(is_frequent=True), self.build_child(is_frequent=True)
        return child, replace(
            other, family=child.family, sex=child.sex, birth=child.birth, given=self._other_given(child)
        )

    def _neighbour(self) -> tuple[Record, Record]:
        child, other = self.build_child(), self.build_child()
        return child, replace(
            other,
            sex=child.sex,
            birth=child.birth,
            place_code=child.place_code,
            given=self._other_given(child),
        )

    def _given_name_only(self) -> tuple[Record, Record]:
        """Return a child, and a report in the other script with the given name and one fact of the household."""
        child = replace(self.build_child(), scripts=("khmer",))
        facts: dict[str, object] = {"phones": [], "caregiver": None, "place_code": None, "birth": None}
        kept = self.rng.choice(("phones", "caregiver", "place_code"))
        facts[kept] = getattr(child, kept)
        return child, self.report_again(child, scripts=("latin",), form="given_only", **facts)

    def _without_srey(self) -> tuple[Record, Record]:
        khmer, spellings = self.rng.choice(SREY_SPELLINGS[self.rules.names])
        full, short = spellings[:-1], spellings[-1]
        child = replace(self.build_child(), given=(khmer, self.rng.choice(full)), sex="female")
        return child, self.report_again(child, given=(khmer.removeprefix("ស្រី"), short))

    def _second_series_vowel(self) -> tuple[Record, Record]:
        khmer, spellings = self.rng.choice(SECOND_SERIES_SPELLINGS[self.rules.names])
        child = replace(self.build_child(), given=(khmer, spellings[0]), scripts=("khmer",))
        return child, self.report_again(child, given=(khmer, spellings[-1]), scripts=("latin",))

    def _other_family_name(self) -> tuple[Record, Record]:
        """Return a child with the family names of both parents, with the same caregiver and phone."""
        child = self.build_child()
        family = self.choose([name for name in FAMILY_SPELLINGS if name[0] != child.family[0]])
        return child, self.report_again(
            child, family=family, caregiver=child.caregiver, phones=child.phones, birth=child.birth
        )

    def _similar_twin(self) -> tuple[Record, Record]:
        """Return twins whose names differ in the last syllable, in the same scripts or in one of them."""
        first, second = self.rng.choice(SIMILAR_GIVEN_NAMES[self.rules.names])
        child = replace(self.build_child(), given=first)
        scripts = self.rng.choice((child.scripts, ("khmer",), ("latin",)))
        return child, replace(child, given=second, scripts=scripts)


def main() -> None:
    """Write the sets of pairs."""
    PAIRS.mkdir(exist_ok=True)
    for name, rules in SETS.items():
        pairs = PairGenerator(rules).build_pairs()
        lines = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs)
        (PAIRS / f"{name}.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    typer.run(main)
