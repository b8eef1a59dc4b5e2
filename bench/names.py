"""Invented Khmer names. A few family and given names are frequent, and most are rare, as in a real population."""

import random
from collections.abc import Sequence
from itertools import accumulate

FAMILY_NAMES = (
    ("សុខ", "Sok"), ("ជា", "Chea"), ("ចាន់", "Chan"), ("កែវ", "Keo"), ("លី", "Ly"), ("ហេង", "Heng"), ("ម៉ៅ", "Mao"),
    ("នួន", "Nuon"), ("ផល", "Phal"), ("រស់", "Ros"), ("សៅ", "Sao"), ("ទេព", "Tep"), ("យឹម", "Yim"), ("អ៊ុក", "Ouk"),
    ("គង់", "Kong"), ("ប្រាក់", "Prak"), ("មាស", "Meas"), ("អ៊ឹម", "Im"), ("សាន", "San"), ("ឃឹម", "Khim"), ("ឈួន", "Chhuon"),
    ("សោម", "Som"), ("ពេជ្រ", "Pich"), ("ញ៉ែម", "Nhem"), ("ហែម", "Hem"), ("គីម", "Kim"), ("គុជ", "Kuch"), ("ឡុង", "Long"),
    ("លឹម", "Lim"), ("ឡាយ", "Lay"), ("មាន", "Mean"), ("ម៉ែន", "Men"), ("មុំ", "Mom"), ("នាង", "Neang"), ("ង៉ែត", "Nget"),
    ("អ៊ុំ", "Oum"), ("ប៉ែន", "Pen"), ("ផាន", "Phan"), ("ផុន", "Phon"), ("ពក", "Pok"), ("រឿន", "Roeun"), ("សំ", "Sam"),
    ("សេង", "Seng"), ("ស៊ឹម", "Sim"), ("ស៊ិន", "Sin"), ("សឿន", "Soeun"), ("សន", "Sorn"), ("សួន", "Suon"), ("តាន់", "Tan"),
    ("ថាច់", "Thach"), ("ទិត្យ", "Tith"), ("ទូច", "Touch"), ("ទុំ", "Tum"), ("អ៊ឹង", "Ung"), ("វ៉ា", "Va"), ("វង្ស", "Vong"),
)  # fmt: skip
FREQUENT_GIVEN_NAMES = (
    ("វិចិត្រ", "Vichet"), ("សុភា", "Sophea"), ("បូរ៉ា", "Bora"), ("ដារ៉ា", "Dara"), ("ស្រីមុំ", "Srey Mom"), ("រតនា", "Rattana"),
    ("ពិសី", "Pisey"), ("សំណាង", "Samnang"), ("វណ្ណា", "Vanna"), ("ធារី", "Theary"), ("មករា", "Makara"), ("ចន្ថា", "Chantha"),
    ("កញ្ញា", "Kanha"), ("វីរៈ", "Virak"), ("បុប្ផា", "Bopha"), ("សុវណ្ណ", "Sovann"), ("លក្ខិណា", "Leakhena"),
)  # fmt: skip
BEGINNINGS = (
    ("សុ", "So"), ("ចាន់", "Chan"), ("ស្រី", "Srey "), ("សុខ", "Sok"), ("គឹម", "Kim"), ("ម៉េង", "Meng"), ("វិ", "Vi"),
    ("រតន", "Ratana"), ("ធា", "Thea"), ("សំ", "Sam"), ("ភា", "Phea"), ("ពិ", "Pi"), ("បុ", "Bo"), ("ដា", "Da"),
    ("មុនី", "Mony"), ("វណ្ណ", "Vann"), ("ច័ន្ទ", "Chann"), ("រដ្ឋ", "Roth"), ("លី", "Ly"), ("នី", "Ny"), ("ហេង", "Heng"),
    ("កុ", "Ko"), ("បញ្ញា", "Panha"), ("រស្មី", "Reaksmey "), ("ពេជ្រ", "Pich"), ("ម៉ារី", "Mary"), ("សីហា", "Seyha"),
    ("ឡៃ", "Lay"), ("អូន", "Oun"), ("ថៃ", "Thai"), ("ឈុន", "Chhun"), ("យូ", "You"), ("ទី", "Ty"), ("ឡុង", "Long"),
)  # fmt: skip
ENDINGS = (
    ("ភា", "phea"), ("ណា", "na"), ("ធី", "thy"), ("រី", "ry"), ("រ័ត្ន", "rath"), ("លី", "ly"), ("នាង", "neang"), ("មុំ", "mom"),
    ("ពេជ្រ", "pich"), ("ហេង", "heng"), ("ឡាង", "lang"), ("វី", "vy"), ("ដា", "da"), ("រ៉ា", "ra"), ("រិទ្ធ", "rith"),
    ("វណ្ណ", "vann"), ("លាភ", "leap"), ("ខេង", "kheng"), ("នី", "ny"), ("ម៉ាលី", "maly"), ("សួង", "suong"), ("ថា", "tha"),
    ("ហួរ", "huor"), ("លក្ខ", "leak"), ("ស៊ី", "sy"), ("ធឿន", "thoeun"), ("គន្ធា", "kunthea"), ("រំដួល", "romduol"),
    ("ឧត្តម", "oudom"), ("មករា", "makara"), ("ចរិយា", "chariya"), ("តុលា", "tola"), ("វិបុល", "vibol"), ("សិលា", "sela"),
    ("បូរី", "borey"), ("វត្តី", "vattey"), ("ដេត", "det"), ("កាន", "kan"), ("ប៊ុន", "bun"), ("ជាតិ", "cheat"),
)  # fmt: skip
GIVEN_NAMES = (
    *FREQUENT_GIVEN_NAMES,
    *(
        (beginning[0] + ending[0], beginning[1] + (ending[1].title() if " " in beginning[1] else ending[1]))
        for ending in ENDINGS
        for beginning in BEGINNINGS
    ),
)

Name = tuple[str, str]
"""A name in Khmer and in Latin script."""


def _cumulative_weights(names: Sequence[Name], flatness: int) -> list[float]:
    """Return weights that decrease with the rank of a name: Zipf's law with an offset."""
    return list(accumulate(1 / (rank + flatness) for rank in range(len(names))))


_FAMILY_WEIGHTS = _cumulative_weights(FAMILY_NAMES, 5)
"""The most frequent family name has 8 % of the people."""
_GIVEN_WEIGHTS = _cumulative_weights(GIVEN_NAMES, 10)
"""The most frequent given name has 2 % of the people."""


def choose_name(rng: random.Random) -> tuple[Name, Name]:
    """Return a family name and a given name."""
    (family,) = rng.choices(FAMILY_NAMES, cum_weights=_FAMILY_WEIGHTS)
    (given,) = rng.choices(GIVEN_NAMES, cum_weights=_GIVEN_WEIGHTS)
    return family, given
