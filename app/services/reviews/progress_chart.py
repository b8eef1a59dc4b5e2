"""Render the progress chart of a case: the ratings of the seven areas over time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.access.reader import RecordReader
from app.kit.dates import today
from app.kit.formatting import format_date, format_day_and_month, format_number
from app.rendering.printed_file import PrintedFile
from app.rendering.svg import build_element, build_paragraph, build_svg, build_text, fit_text_lines
from app.schemas.codes import get_code_label, get_codes
from app.services.reviews.outcomes import CASE_QUERY, list_rating_snapshots

LEFT_MARGIN, RIGHT_MARGIN, TOP_MARGIN, AREA_HEIGHT = 190.0, 120.0, 72.0, 92.0
"""The left margin holds the area names, the right margin the change of each rating, the top margin the title."""
PLOT_WIDTH = 640.0
MIN_DATE_SPACING = 56.0
"""Minimum distance between two dates, so that their labels do not overlap."""
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
    """The ratings of the areas on one date, from 1 (weak) to 4 (strong), by an assessment or a review."""

    rated_on: date
    record_kind: str
    ratings: dict[str, int]


async def render_progress_chart(reader: RecordReader, case_id: UUID, language: str) -> PrintedFile:
    """Return the progress chart as SVG.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    case = await reader.fetch_required(CASE_QUERY, case_id=case_id)
    days = [
        DayRatings(snapshot.rated_on, snapshot.record_kind, snapshot.ratings)
        for snapshot in await list_rating_snapshots(reader, case_id)
    ]
    subtitle = f"{case.number} · {format_date(today(), language)} · {LABELS[language]['confidential']}"
    return await asyncio.to_thread(draw_progress_chart, days, subtitle, language)


def draw_progress_chart(days: Sequence[DayRatings], subtitle: str, language: str) -> PrintedFile:
    """Return the chart as SVG: the seven areas below each other, time from left to right."""
    labels, areas = LABELS[language], get_codes("area")
    positions = _x_positions([day.rated_on for day in days])
    width = LEFT_MARGIN + max([PLOT_WIDTH, *positions]) + RIGHT_MARGIN
    height = TOP_MARGIN + AREA_HEIGHT * len(areas) + 96
    body = _hatch_pattern() + build_text(labels["title"], 24, 38, 20, font_weight="bold")
    body += build_text(subtitle, width - 24, 38, 12, text_anchor="end")
    body += "".join(_draw_area(area, row, days, positions, width, language) for row, area in enumerate(areas))
    body += (
        _draw_dates(days, positions, language)
        if days
        else build_text(labels["none"], LEFT_MARGIN - 16, TOP_MARGIN + AREA_HEIGHT * len(areas) + 12, 14)
    )
    body += _draw_legend(height - 22, language)
    return build_svg((width, height), labels["title"], _text_description(days, language), body, language)


def _text_description(days: Sequence[DayRatings], language: str) -> str:
    """Return the content of the chart as text for screen readers."""
    if not days:
        return LABELS[language]["none"]
    sentences = []
    for area in get_codes("area"):
        ratings = [
            f"{format_date(day.rated_on, language)}: {format_number(day.ratings[area], language)}"
            for day in days
            if area in day.ratings
        ]
        name = get_code_label("area", area, language)
        sentences.append(f"{name}: {', '.join(ratings) or LABELS[language]['unrated']}.")
    return " ".join(sentences)


def _x_positions(dates: Sequence[date]) -> list[float]:
    """Return the horizontal position of each date, proportional to time but with a minimum distance."""
    if not dates:
        return []
    length = (dates[-1] - dates[0]).days or 1
    positions = [0.0]
    for rated_on in dates[1:]:
        proportional = (rated_on - dates[0]).days / length * PLOT_WIDTH
        positions.append(max(proportional, positions[-1] + MIN_DATE_SPACING))
    return positions


def _hatch_pattern() -> str:
    line = build_element("path", d="M0 8L8 0", stroke="#999", stroke_width=0.8)
    pattern = build_element("pattern", line, id="weak", width=8, height=8, patternUnits="userSpaceOnUse")
    return build_element("defs", pattern)


def _rating_y(rating: float) -> float:
    return (MAX_RATING + 0.5 - rating) * RATING_HEIGHT


def _draw_area(
    area: str,
    row: int,
    days: Sequence[DayRatings],
    positions: Sequence[float],
    width: float,
    language: str,
) -> str:
    points = [(LEFT_MARGIN + x, day) for x, day in zip(positions, days, strict=True) if area in day.ratings]
    ratings = [day.ratings[area] for _, day in points]
    name = fit_text_lines(get_code_label("area", area, language), 14, LEFT_MARGIN - 44, 2, bold=True)
    svg = build_paragraph(name, 24, _rating_y(2.5) + 5 - 10 * (len(name) - 1), 14, font_weight="bold")
    right = width - RIGHT_MARGIN + 16
    svg += _draw_background(right)
    svg += _draw_line([(x, _rating_y(day.ratings[area])) for x, day in points])
    svg += "".join(_draw_rating(x, day, area, language) for x, day in points)
    svg += build_text(_format_rating_change(ratings, language), right + 14, _rating_y(2.5) + 5, 14)
    return build_element("g", svg, transform=f"translate(0 {TOP_MARGIN + AREA_HEIGHT * row:.1f})")


def _draw_background(right: float) -> str:
    """Draw the frame of an area and the hatched half of the weak ratings."""
    left = LEFT_MARGIN - 16
    weak_half = build_element(
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
    return weak_half + frame


def _draw_line(points: Sequence[tuple[float, float]]) -> str:
    if len(points) <= 1:
        return ""
    coordinates = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return build_element("polyline", points=coordinates, fill="none", stroke="#000", stroke_width=2.5)


def _draw_rating(x: float, day: DayRatings, area: str, language: str) -> str:
    """Draw a rating as a number inside its marker: a square for an assessment, a circle for a review."""
    y = _rating_y(day.ratings[area])
    number = format_number(day.ratings[area], language)
    marker = _draw_marker(x, y, day.record_kind)
    return marker + build_text(number, x, y + 4, 11, text_anchor="middle", font_weight="bold")


def _draw_marker(x: float, y: float, kind: str) -> str:
    if kind == "assessment":
        return build_element(
            "rect", x=x - 8, y=y - 8, width=16, height=16, fill="#fff", stroke="#000", stroke_width=2
        )
    return build_element("circle", cx=x, cy=y, r=8.5, fill="#fff", stroke="#000", stroke_width=2)


def _format_rating_change(ratings: Sequence[int], language: str) -> str:
    if not ratings:
        return LABELS[language]["unrated"]
    first, last = format_number(ratings[0], language), format_number(ratings[-1], language)
    return f"{first} → {last}" if len(ratings) > 1 else ""


def _draw_dates(days: Sequence[DayRatings], positions: Sequence[float], language: str) -> str:
    bottom = TOP_MARGIN + AREA_HEIGHT * len(get_codes("area")) - 4
    elements = []
    for position, day in zip(positions, days, strict=True):
        x = LEFT_MARGIN + position
        lines = [_format_short_date(day.rated_on, language), format_number(day.rated_on.year, language)]
        elements.append(build_element("line", x1=x, y1=bottom - 10, x2=x, y2=bottom - 4, stroke="#000"))
        elements.append(build_paragraph(lines, x, bottom + 10, 11, text_anchor="middle"))
    return "".join(elements)


def _format_short_date(rated_on: date, language: str) -> str:
    """Return day and month. The English month is cut to three letters."""
    day, _, month = format_day_and_month(rated_on, language).partition(" ")
    return f"{day} {month if language == 'km' else month[:3]}"


def _draw_legend(y: float, language: str) -> str:
    labels = LABELS[language]
    kinds = [(kind, get_code_label("record_kind", kind, language)) for kind in ("assessment", "review")]
    svg = "".join(
        _draw_marker(32 + 170 * column, y - 5, kind) + build_text(label, 48 + 170 * column, y, 12)
        for column, (kind, label) in enumerate(kinds)
    )
    svg += build_element("rect", x=364, y=y - 14, width=30, height=17, fill="url(#weak)", stroke="#777")
    return svg + build_text(labels["weak"], 402, y, 12) + build_text(labels["scale"], 620, y, 12)
