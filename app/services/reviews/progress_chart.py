"""The case as a picture: how each of the seven areas was rated, from the first assessment on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.dates import today
from app.kit.formatting import day, day_and_month, number
from app.kit.records import find
from app.models import Case
from app.rendering.svg import drawing, element, lines, paragraph, writing
from app.schemas.codes import codes_of, label
from app.services.reviews.outcomes import looks

LEFT, RIGHT, TOP, BAND = 190.0, 120.0, 72.0, 92.0
"""Room for the areas' names, for how each ended, for the head; and the height of an area."""
ACROSS = 640.0
NEAREST = 56.0
"""Between two dates, so that each can be read."""
BEST = 4
WEAKEST_GOOD = 2.5
PER_RATING = 18.0

WORDS = {
    "en": {
        "title": "Progress by area",
        "none": "There is no approved assessment and no completed review yet.",
        "unrated": "not rated",
        "weak": "Hatched: weak (1 and 2)",
        "scale": "1 weak … 4 strong",
        "confidential": "Confidential",
    },
    "km": {
        "title": "វឌ្ឍនភាពតាមផ្នែក",
        "none": "មិនទាន់មានការវាយតម្លៃដែលបានអនុម័ត ឬការពិនិត្យឡើងវិញដែលបានបញ្ចប់នៅឡើយទេ។",
        "unrated": "មិនបានវាយតម្លៃ",
        "weak": "ផ្ទៃឆ្នូត៖ ខ្សោយ (១ និង ២)",
        "scale": "១ ខ្សោយ … ៤ ខ្លាំង",
        "confidential": "សម្ងាត់",
    },
}


@dataclass(frozen=True, slots=True)
class Rated:
    """A day on which the areas were rated, 1 (weak) to 4 (strong): in an assessment or in a review."""

    on: date
    kind: str
    ratings: dict[str, int]


async def picture(session: AsyncSession, case_id: UUID, language: str) -> str:
    """Draw the child's progress.

    Raises:
        NotFound: there is no such case for this actor.
    """
    case = await find(session, Case, case_id)
    found = [Rated(look.on, look.kind, look.ratings) for look in await looks(session, case_id)]
    foot = f"{case.number} · {day(today(), language)} · {WORDS[language]['confidential']}"
    return draw(found, foot, language)


def draw(found: Sequence[Rated], foot: str, language: str) -> str:
    """Return the drawing: the seven areas one below the other, time from left to right."""
    words, areas = WORDS[language], codes_of("area")
    across = _across([rated.on for rated in found])
    wide = LEFT + max([ACROSS, *across]) + RIGHT
    high = TOP + BAND * len(areas) + 96
    body = _hatching() + writing(words["title"], 24, 38, 20, font_weight="bold")
    body += writing(foot, wide - 24, 38, 12, text_anchor="end")
    body += "".join(_area(area, place, found, across, wide, language) for place, area in enumerate(areas))
    body += (
        _dates(found, across, language)
        if found
        else writing(words["none"], LEFT - 16, TOP + BAND * len(areas) + 12, 14)
    )
    body += _legend(high - 22, language)
    return drawing((wide, high), words["title"], _spoken(found, language), body, language)


def _spoken(found: Sequence[Rated], language: str) -> str:
    if not found:
        return WORDS[language]["none"]
    told = []
    for area in codes_of("area"):
        rated = [
            f"{day(one.on, language)}: {number(one.ratings[area], language)}"
            for one in found
            if area in one.ratings
        ]
        told.append(f"{label('area', area, language)}: {', '.join(rated) or WORDS[language]['unrated']}.")
    return " ".join(told)


def _across(days: Sequence[date]) -> list[float]:
    """Return how far to the right each day stands: in proportion to time, but never nearer than can be read."""
    if not days:
        return []
    length = (days[-1] - days[0]).days or 1
    found = [0.0]
    for on in days[1:]:
        found.append(max((on - days[0]).days / length * ACROSS, found[-1] + NEAREST))
    return found


def _hatching() -> str:
    line = element("path", d="M0 8L8 0", stroke="#999", stroke_width=0.8)
    pattern = element("pattern", line, id="weak", width=8, height=8, patternUnits="userSpaceOnUse")
    return element("defs", pattern)


def _height(rating: float) -> float:
    return (BEST + 0.5 - rating) * PER_RATING


def _area(
    area: str, place: int, found: Sequence[Rated], across: Sequence[float], wide: float, language: str
) -> str:
    rated = [(x, one) for x, one in zip(across, found, strict=True) if area in one.ratings]
    name = lines(label("area", area, language), 14, LEFT - 44, 2)
    drawn = paragraph(name, 24, _height(2.5) + 5 - 10 * (len(name) - 1), 14, font_weight="bold")
    right = wide - RIGHT + 16
    drawn += _field(right)
    drawn += _line([(LEFT + x, _height(one.ratings[area])) for x, one in rated])
    drawn += "".join(_mark(LEFT + x, one, area, language) for x, one in rated)
    drawn += writing(
        _change([one.ratings[area] for _, one in rated], language), right + 14, _height(2.5) + 5, 14
    )
    return element("g", drawn, transform=f"translate(0 {TOP + BAND * place:.1f})")


def _field(right: float) -> str:
    """The ground an area's line is drawn on: the weak half hatched, a faint line for each rating."""
    left = LEFT - 16
    ground = element(
        "rect", x=left, y=_height(WEAKEST_GOOD), width=right - left, height=2 * PER_RATING, fill="url(#weak)"
    )
    frame = element(
        "rect", x=left, y=0, width=right - left, height=BEST * PER_RATING, fill="none", stroke="#777"
    )
    return ground + frame


def _line(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:
        return ""
    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return element("polyline", points=told, fill="none", stroke="#000", stroke_width=2.5) if told else ""


def _mark(x: float, one: Rated, area: str, language: str) -> str:
    """Draw a rating as a number in its sign: a square for an assessment, a circle for a review."""
    y = _height(one.ratings[area])
    told = number(one.ratings[area], language)
    return _sign(x, y, one.kind) + writing(told, x, y + 4, 11, text_anchor="middle", font_weight="bold")


def _sign(x: float, y: float, kind: str) -> str:
    if kind == "assessment":
        return element(
            "rect", x=x - 8, y=y - 8, width=16, height=16, fill="#fff", stroke="#000", stroke_width=2
        )
    return element("circle", cx=x, cy=y, r=8.5, fill="#fff", stroke="#000", stroke_width=2)


def _change(ratings: Sequence[int], language: str) -> str:
    if not ratings:
        return WORDS[language]["unrated"]
    first, last = (number(ratings[at], language) for at in (0, -1))
    return f"{first} → {last}" if len(ratings) > 1 else ""


def _dates(found: Sequence[Rated], across: Sequence[float], language: str) -> str:
    bottom = TOP + BAND * len(codes_of("area")) - 4
    drawn = []
    for x, one in zip(across, found, strict=True):
        told = [_short(one.on, language), number(one.on.year, language)]
        drawn.append(element("line", x1=LEFT + x, y1=bottom - 10, x2=LEFT + x, y2=bottom - 4, stroke="#000"))
        drawn.append(paragraph(told, LEFT + x, bottom + 10, 11, text_anchor="middle"))
    return "".join(drawn)


def _short(on: date, language: str) -> str:
    """Return the day with the name of the month; in English three letters of it."""
    told, _, month = day_and_month(on, language).partition(" ")
    return f"{told} {month if language == 'km' else month[:3]}"


def _legend(y: float, language: str) -> str:
    words = WORDS[language]
    kinds = [(kind, label("record_kind", kind, language)) for kind in ("assessment", "review")]
    drawn = "".join(
        _sign(32 + 170 * place, y - 5, kind) + writing(told, 48 + 170 * place, y, 12)
        for place, (kind, told) in enumerate(kinds)
    )
    drawn += element("rect", x=364, y=y - 14, width=30, height=17, fill="url(#weak)", stroke="#777")
    return drawn + writing(words["weak"], 402, y, 12) + writing(words["scale"], 620, y, 12)
