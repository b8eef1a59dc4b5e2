"""Invent pairs of records about the same child, or about two children: `python -m bench.identity_pairs` writes both sets.

The first set is for the choice of weights and thresholds. The second set has other names, other errors and other
frequencies of missing facts, and only measures.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import typer

from bench.identity_names import FAMILY_SPELLINGS, GIVEN_SPELLINGS

PAIRS = Path(__file__).parent / "identity_pairs"
PAIRS_PER_KIND = 27
COMMUNES = (
    "171009",
    "171010",
    "170301",
    "020301",
    "120101",
    "120601",
    "080203",
    "030512",
    "220104",
    "010207",
)
FREQUENT = 8
"""Number of frequent family names, which half of the children have."""

Spelling = tuple[str, str]
"""A name in Khmer and in Latin script."""


@dataclass(frozen=True)
class Record:
    """The facts of a record about a child. `scripts` are the scripts in which the names are written."""

    family: Spelling
    given: Spelling
    sex: str | None
    birth: dict[str, object] | None
    place_code: str | None
    phones: list[str]
    caregiver: tuple[Spelling, Spelling] | None
    scripts: tuple[str, ...] = ("khmer", "latin")
    form: str = "parts"
    """`parts`, `exchanged`, `one_field` or `joined`."""
    nickname: str | None = field(default=None)


@dataclass(frozen=True)
class Rules:
    """How the records of a set differ."""

    seed: int
    names: slice
    missing: float
    """Probability that a fact of the second record is missing."""
    respelled: float
    letters: str
    """Letters of which one may be doubled or replaced as a typing error."""


SETS = {
    "development": Rules(seed=1, names=slice(0, None, 2), missing=0.15, respelled=0.5, letters=""),
    "control": Rules(seed=2, names=slice(1, None, 2), missing=0.25, respelled=0.7, letters="aeiout"),
}


class PairGenerator:
    """Invents pairs by the rules of a set."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._rng = random.Random(rules.seed)  # noqa: S311 - must be reproducible, not secret
        self._givens = GIVEN_SPELLINGS[rules.names]

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
        }
        pairs = []
        for kind, (is_same, build) in kinds.items():
            for _ in range(PAIRS_PER_KIND):
                first, second = build()
                records = [asdict(first), asdict(second)]
                pairs.append({"kind": kind, "is_same": is_same, "records": records})
        return pairs

    def _build_child(self, *, is_frequent: bool | None = None) -> Record:
        rng = self._rng
        frequent = rng.random() < 0.5 if is_frequent is None else is_frequent
        family = self._choose(FAMILY_SPELLINGS[:FREQUENT] if frequent else FAMILY_SPELLINGS)
        caregiver_family = family if rng.random() < 0.5 else self._choose(FAMILY_SPELLINGS)
        return Record(
            family=family,
            given=self._choose(self._givens),
            sex=rng.choice(("male", "female")),
            birth=self._invent_birth(),
            place_code=rng.choice(COMMUNES) + f"{rng.randint(1, 9):02}",
            phones=[self._invent_phone()],
            caregiver=(caregiver_family, self._choose(self._givens)),
            scripts=rng.choice((("khmer", "latin"), ("khmer",), ("latin",))),
        )

    def _choose(self, names: Sequence[tuple[str, tuple[str, ...]]]) -> Spelling:
        khmer, spellings = self._rng.choice(names)
        return khmer, spellings[0]

    def _invent_phone(self) -> str:
        return f"+8551{self._rng.randint(0, 9)}{self._rng.randint(100000, 999999)}"

    def _invent_birth(self, around: date | None = None) -> dict[str, object]:
        day = around or date(2010, 1, 1) + timedelta(days=self._rng.randrange(3600))
        kind = self._rng.random()
        if kind < 0.6:
            return {"date": day.isoformat(), "precision": "day"}
        if kind < 0.75:
            return {"date": day.replace(day=1).isoformat(), "precision": "month"}
        return {"estimated_age": (date(2026, 11, 1) - day).days // 365, "estimated_on": "2026-11-01"}

    def _respell(self, name: Spelling) -> Spelling:
        """Return the name with another Latin spelling, or with a typing error by the rules of the set."""
        khmer, latin = name
        spellings = next(values for key, values in (*FAMILY_SPELLINGS, *GIVEN_SPELLINGS) if key == khmer)
        if self._rng.random() < self._rules.respelled:
            latin = self._rng.choice(spellings)
        if self._rules.letters and len(latin) > 4 and self._rng.random() < 0.3:
            place = self._rng.randrange(2, len(latin))
            letter = self._rng.choice((latin[place] * 2, self._rng.choice(self._rules.letters)))
            latin = latin[:place] + letter + latin[place + 1 :]
        return khmer, latin

    def _report_again(self, child: Record, **changes: object) -> Record:
        """Return a second record about the child: some facts are missing, names have other spellings."""
        rng = self._rng
        caregiver = child.caregiver and (self._respell(child.caregiver[0]), self._respell(child.caregiver[1]))
        facts: dict[str, object] = {
            "family": self._respell(child.family),
            "given": self._respell(child.given),
        }
        facts["caregiver"] = None if rng.random() < self._rules.missing else caregiver
        optional: tuple[tuple[str, object], ...] = (
            ("sex", None),
            ("birth", None),
            ("place_code", None),
            ("phones", []),
        )
        facts |= {name: empty for name, empty in optional if rng.random() < self._rules.missing}
        facts["scripts"] = rng.choice((("khmer", "latin"), ("khmer",), ("latin",)))
        known = sum(bool(facts.get(name, True)) for name in ("caregiver", "birth", "place_code", "phones"))
        if known < 3:  # a record with a name and nothing else cannot be matched
            facts |= {"phones": child.phones, "birth": child.birth, "caregiver": caregiver}
        return replace(child, **(facts | changes))  # type: ignore[arg-type]  # fields of the record

    def _other_script(self) -> tuple[Record, Record]:
        child = replace(self._build_child(), scripts=("khmer",))
        return child, self._report_again(child, scripts=("latin",))

    def _other_spelling(self) -> tuple[Record, Record]:
        child = replace(self._build_child(), scripts=("latin",))
        return child, self._report_again(child, scripts=("latin",))

    def _other_form(self) -> tuple[Record, Record]:
        child = self._build_child()
        return child, self._report_again(child, form=self._rng.choice(("exchanged", "one_field", "joined")))

    def _wrong_birth(self) -> tuple[Record, Record]:
        child = self._build_child()
        day = date(2010 + self._rng.randrange(8), self._rng.randint(1, 12), self._rng.randint(1, 12))
        wrong = self._rng.choice(
            (
                date(day.year, day.day, day.month),
                day.replace(year=day.year + self._rng.choice((-1, 1))),
                day.replace(day=day.day + 10),
                day.replace(year=day.year + self._rng.choice((-3, 4)), day=15),
            )
        )
        births: list[dict[str, object]] = [
            {"date": each.isoformat(), "precision": "day"} for each in (day, wrong)
        ]
        again = self._report_again(child, birth=births[1], caregiver=child.caregiver, phones=child.phones)
        return replace(child, birth=births[0]), again

    def _wrong_sex_or_moved(self) -> tuple[Record, Record]:
        child = self._build_child()
        if self._rng.random() < 0.5:
            return child, self._report_again(child, sex="male" if child.sex == "female" else "female")
        return child, self._report_again(child, place_code=self._rng.choice(COMMUNES))

    def _other_caregiver(self) -> tuple[Record, Record]:
        child = self._build_child()
        other = self._build_child()
        is_other_phone = self._rng.random() < 0.5
        return child, self._report_again(
            child,
            caregiver=other.caregiver,
            birth=child.birth,
            place_code=child.place_code,
            phones=other.phones if is_other_phone else child.phones,
        )

    def _sibling(self, *, is_twin: bool) -> tuple[Record, Record]:
        child = self._build_child()
        given = self._choose(self._givens)
        while given[0] == child.given[0]:
            given = self._choose(self._givens)
        other = {"given": given, "sex": self._rng.choice(("male", "female"))}
        other["birth"] = child.birth if is_twin else self._invent_birth()  # type: ignore[assignment]  # a birth
        return child, replace(self._report_again(child), **other)  # type: ignore[arg-type]  # fields

    def _cousin(self) -> tuple[Record, Record]:
        child, other = self._build_child(), self._build_child()
        return child, replace(
            other, family=child.family, place_code=child.place_code, given=self._other_given(child)
        )

    def _other_given(self, child: Record) -> Spelling:
        givens = [name for name in self._givens if name[0] != child.given[0]]
        return self._choose(givens)

    def _namesake(self) -> tuple[Record, Record]:
        child, other = self._build_child(), self._build_child()
        return child, replace(other, family=self._respell(child.family), given=self._respell(child.given))

    def _frequent_name(self) -> tuple[Record, Record]:
        child, other = self._build_child(is_frequent=True), self._build_child(is_frequent=True)
        return child, replace(
            other, family=child.family, sex=child.sex, birth=child.birth, given=self._other_given(child)
        )

    def _neighbour(self) -> tuple[Record, Record]:
        child, other = self._build_child(), self._build_child()
        return child, replace(
            other,
            sex=child.sex,
            birth=child.birth,
            place_code=child.place_code,
            given=self._other_given(child),
        )


def main() -> None:
    """Write the sets of pairs."""
    PAIRS.mkdir(exist_ok=True)
    for name, rules in SETS.items():
        pairs = PairGenerator(rules).build_pairs()
        lines = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs)
        (PAIRS / f"{name}.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    typer.run(main)
