"""The case as a picture: how each of the seven areas was rated, from the first assessment on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.dates import today
from app.kit.formatting import format_date, format_day_and_month, format_number
from app.kit.records import get_record
from app.models import Case
from app.rendering.svg import build_element, build_paragraph, build_svg, build_text, fit_text_lines
from app.schemas.codes import get_code_label, get_codes
from app.services.reviews.outcomes import list_rating_snapshots

LEFT_MARGIN, RIGHT_MARGIN, TOP_MARGIN, AREA_HEIGHT = 190.0, 120.0, 72.0, 92.0
"""Room for the areas' names, for how each ended, for the head; and the height of an area."""
PLOT_WIDTH = 640.0
MIN_DATE_SPACING = 56.0
"""Between two dates, so that each can be read."""
MAX_RATING = 4
WEAK_RATING_LIMIT = 2.5
RATING_HEIGHT = 18.0

LABELS = {
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
class DayRatings:
    """A day on which the areas were rated, 1 (weak) to 4 (strong): in an assessment or in a review."""

    rated_on: date
    record_kind: str
    ratings: dict[str, int]


async def render_progress_chart(session: AsyncSession, case_id: UUID, language: str) -> str:
    """Draw the child's progress.

    Raises:
        NotFound: there is no such case for this actor.
    """
    case = await get_record(session, Case, case_id)
    found = [
        DayRatings(look.rated_on, look.record_kind, look.ratings)
        for look in await list_rating_snapshots(session, case_id)
    ]
    foot = f"{case.number} · {format_date(today(), language)} · {LABELS[language]['confidential']}"
    return draw_progress_chart(found, foot, language)


def draw_progress_chart(found: Sequence[DayRatings], foot: str, language: str) -> str:
    """Return the drawing: the seven areas one below the other, time from left to right."""
    words, areas = LABELS[language], get_codes("area")
    across = _x_positions([rated.rated_on for rated in found])
    wide = LEFT_MARGIN + max([PLOT_WIDTH, *across]) + RIGHT_MARGIN
    high = TOP_MARGIN + AREA_HEIGHT * len(areas) + 96
    body = _hatch_pattern() + build_text(words["title"], 24, 38, 20, font_weight="bold")
    body += build_text(foot, wide - 24, 38, 12, text_anchor="end")
    body += "".join(
        _draw_area(area, place, found, across, wide, language) for place, area in enumerate(areas)
    )
    body += (
        _draw_dates(found, across, language)
        if found
        else build_text(words["none"], LEFT_MARGIN - 16, TOP_MARGIN + AREA_HEIGHT * len(areas) + 12, 14)
    )
    body += _draw_legend(high - 22, language)
    return build_svg((wide, high), words["title"], _text_description(found, language), body, language)


def _text_description(found: Sequence[DayRatings], language: str) -> str:
    if not found:
        return LABELS[language]["none"]
    told = []
    for area in get_codes("area"):
        rated = [
            f"{format_date(one.rated_on, language)}: {format_number(one.ratings[area], language)}"
            for one in found
            if area in one.ratings
        ]
        told.append(
            f"{get_code_label('area', area, language)}: {', '.join(rated) or LABELS[language]['unrated']}."
        )
    return " ".join(told)


def _x_positions(days: Sequence[date]) -> list[float]:
    """Return how far to the right each day stands: in proportion to time, but never nearer than can be read."""
    if not days:
        return []
    length = (days[-1] - days[0]).days or 1
    found = [0.0]
    for on in days[1:]:
        found.append(max((on - days[0]).days / length * PLOT_WIDTH, found[-1] + MIN_DATE_SPACING))
    return found


def _hatch_pattern() -> str:
    line = build_element("path", d="M0 8L8 0", stroke="#999", stroke_width=0.8)
    pattern = build_element("pattern", line, id="weak", width=8, height=8, patternUnits="userSpaceOnUse")
    return build_element("defs", pattern)


def _rating_y(rating: float) -> float:
    return (MAX_RATING + 0.5 - rating) * RATING_HEIGHT


def _draw_area(
    area: str, place: int, found: Sequence[DayRatings], across: Sequence[float], wide: float, language: str
) -> str:
    rated = [(x, one) for x, one in zip(across, found, strict=True) if area in one.ratings]
    name = fit_text_lines(get_code_label("area", area, language), 14, LEFT_MARGIN - 44, 2)
    drawn = build_paragraph(name, 24, _rating_y(2.5) + 5 - 10 * (len(name) - 1), 14, font_weight="bold")
    right = wide - RIGHT_MARGIN + 16
    drawn += _draw_background(right)
    drawn += _draw_line([(LEFT_MARGIN + x, _rating_y(one.ratings[area])) for x, one in rated])
    drawn += "".join(_draw_rating(LEFT_MARGIN + x, one, area, language) for x, one in rated)
    drawn += build_text(
        _rating_change([one.ratings[area] for _, one in rated], language), right + 14, _rating_y(2.5) + 5, 14
    )
    return build_element("g", drawn, transform=f"translate(0 {TOP_MARGIN + AREA_HEIGHT * place:.1f})")


def _draw_background(right: float) -> str:
    """The ground an area's line is drawn on: the weak half hatched, a faint line for each rating."""
    left = LEFT_MARGIN - 16
    ground = build_element(
        "rect",
        x=left,
        y=_rating_y(WEAK_RATING_LIMIT),
        width=right - left,
        height=2 * RATING_HEIGHT,
        fill="url(#weak)",
    )
    frame = build_element(
        "rect", x=left, y=0, width=right - left, height=MAX_RATING * RATING_HEIGHT, fill="none", stroke="#777"
    )
    return ground + frame


def _draw_line(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:
        return ""
    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        build_element("polyline", points=told, fill="none", stroke="#000", stroke_width=2.5) if told else ""
    )


def _draw_rating(x: float, one: DayRatings, area: str, language: str) -> str:
    """Draw a rating as a number in its sign: a square for an assessment, a circle for a review."""
    y = _rating_y(one.ratings[area])
    told = format_number(one.ratings[area], language)
    return _draw_marker(x, y, one.record_kind) + build_text(
        told, x, y + 4, 11, text_anchor="middle", font_weight="bold"
    )


def _draw_marker(x: float, y: float, kind: str) -> str:
    if kind == "assessment":
        return build_element(
            "rect", x=x - 8, y=y - 8, width=16, height=16, fill="#fff", stroke="#000", stroke_width=2
        )
    return build_element("circle", cx=x, cy=y, r=8.5, fill="#fff", stroke="#000", stroke_width=2)


def _rating_change(ratings: Sequence[int], language: str) -> str:
    if not ratings:
        return LABELS[language]["unrated"]
    first, last = (format_number(ratings[at], language) for at in (0, -1))
    return f"{first} → {last}" if len(ratings) > 1 else ""


def _draw_dates(found: Sequence[DayRatings], across: Sequence[float], language: str) -> str:
    bottom = TOP_MARGIN + AREA_HEIGHT * len(get_codes("area")) - 4
    drawn = []
    for x, one in zip(across, found, strict=True):
        told = [_short_date(one.rated_on, language), format_number(one.rated_on.year, language)]
        drawn.append(
            build_element(
                "line", x1=LEFT_MARGIN + x, y1=bottom - 10, x2=LEFT_MARGIN + x, y2=bottom - 4, stroke="#000"
            )
        )
        drawn.append(build_paragraph(told, LEFT_MARGIN + x, bottom + 10, 11, text_anchor="middle"))
    return "".join(drawn)


def _short_date(on: date, language: str) -> str:
    """Return the day with the name of the month; in English three letters of it."""
    told, _, month = format_day_and_month(on, language).partition(" ")
    return f"{told} {month if language == 'km' else month[:3]}"


def _draw_legend(y: float, language: str) -> str:
    words = LABELS[language]
    kinds = [(kind, get_code_label("record_kind", kind, language)) for kind in ("assessment", "review")]
    drawn = "".join(
        _draw_marker(32 + 170 * place, y - 5, kind) + build_text(told, 48 + 170 * place, y, 12)
        for place, (kind, told) in enumerate(kinds)
    )
    drawn += build_element("rect", x=364, y=y - 14, width=30, height=17, fill="url(#weak)", stroke="#777")
    return drawn + build_text(words["weak"], 402, y, 12) + build_text(words["scale"], 620, y, 12)
