"""Invent records about children: a child, and a second report about it with other spellings and missing facts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from bench.identity_names import FAMILY_SPELLINGS, GIVEN_SPELLINGS

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
    """`parts`, `exchanged`, `one_field`, `joined` or `given_only`."""
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


class RecordGenerator:
    """Invents records by the rules of a set."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.rng = random.Random(rules.seed)  # noqa: S311 - must be reproducible, not secret
        self.givens = GIVEN_SPELLINGS[rules.names]

    def build_child(self, *, is_frequent: bool | None = None) -> Record:
        """Return the first record about a child."""
        rng = self.rng
        frequent = rng.random() < 0.5 if is_frequent is None else is_frequent
        family = self.choose(FAMILY_SPELLINGS[:FREQUENT] if frequent else FAMILY_SPELLINGS)
        caregiver_family = family if rng.random() < 0.5 else self.choose(FAMILY_SPELLINGS)
        return Record(
            family=family,
            given=self.choose(self.givens),
            sex=rng.choice(("male", "female")),
            birth=self.invent_birth(),
            place_code=rng.choice(COMMUNES) + f"{rng.randint(1, 9):02}",
            phones=[self.invent_phone()],
            caregiver=(caregiver_family, self.choose(self.givens)),
            scripts=rng.choice((("khmer", "latin"), ("khmer",), ("latin",))),
        )

    def choose(self, names: Sequence[tuple[str, tuple[str, ...]]]) -> Spelling:
        """Return a name in Khmer with its usual Latin spelling."""
        khmer, spellings = self.rng.choice(names)
        return khmer, spellings[0]

    def invent_phone(self) -> str:
        """Return a phone number in E.164."""
        return f"+8551{self.rng.randint(0, 9)}{self.rng.randint(100000, 999999)}"

    def invent_birth(self, around: date | None = None) -> dict[str, object]:
        """Return a birth date of some precision, or an estimated age."""
        day = around or date(2010, 1, 1) + timedelta(days=self.rng.randrange(3600))
        kind = self.rng.random()
        if kind < 0.6:
            return {"date": day.isoformat(), "precision": "day"}
        if kind < 0.75:
            return {"date": day.replace(day=1).isoformat(), "precision": "month"}
        return {"estimated_age": (date(2026, 11, 1) - day).days // 365, "estimated_on": "2026-11-01"}

    def respell(self, name: Spelling) -> Spelling:
        """Return the name with another Latin spelling, or with a typing error by the rules of the set."""
        khmer, latin = name
        names = (*FAMILY_SPELLINGS, *GIVEN_SPELLINGS)
        spellings = next((values for key, values in names if key == khmer), (latin,))
        if self.rng.random() < self.rules.respelled:
            latin = self.rng.choice(spellings)
        if self.rules.letters and len(latin) > 4 and self.rng.random() < 0.3:
            place = self.rng.randrange(2, len(latin))
            letter = self.rng.choice((latin[place] * 2, self.rng.choice(self.rules.letters)))
            latin = latin[:place] + letter + latin[place + 1 :]
        return khmer, latin

    def report_again(self, child: Record, **changes: object) -> Record:
        """Return a second record about the child: some facts are missing, names have other spellings."""
        rng = self.rng
        caregiver = child.caregiver and (self.respell(child.caregiver[0]), self.respell(child.caregiver[1]))
        facts: dict[str, object] = {
            "family": self.respell(child.family),
            "given": self.respell(child.given),
        }
        facts["caregiver"] = None if rng.random() < self.rules.missing else caregiver
        optional: tuple[tuple[str, object], ...] = (
            ("sex", None),
            ("birth", None),
            ("place_code", None),
            ("phones", []),
        )
        facts |= {name: empty for name, empty in optional if rng.random() < self.rules.missing}
        facts["scripts"] = rng.choice((("khmer", "latin"), ("khmer",), ("latin",)))
        known = sum(bool(facts.get(name, True)) for name in ("caregiver", "birth", "place_code", "phones"))
        if known < 3:  # a record with a name and nothing else cannot be matched
            facts |= {"phones": child.phones, "birth": child.birth, "caregiver": caregiver}
        return replace(child, **(facts | changes))  # type: ignore[arg-type]  # fields of the record
