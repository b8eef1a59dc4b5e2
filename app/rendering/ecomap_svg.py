"""Draws an ecomap: rings of the socio-ecological model around a child, however many stand in each of them."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from app.rendering.ecomap_geometry import (
    BOX_SPACING,
    BOX_WIDTH,
    CORNER_RADIUS,
    DETAIL_FONT_SIZE,
    GROWTH_STEP,
    NAME_FONT_SIZE,
    RING_SPACING,
    Box,
    Ellipse,
    Figure,
    Point,
    Ring,
)
from app.rendering.svg import (
    LINE_HEIGHT,
    build_element,
    build_paragraph,
    build_svg,
    build_text,
    estimate_text_width,
    fit_text_lines,
)

FRAME_STYLES: dict[str, dict[str, float | str]] = {
    "supporter": {"stroke_width": 4, "rx": CORNER_RADIUS},
    "responsible": {"stroke_width": 1.5, "rx": CORNER_RADIUS},
    "person": {"stroke_width": 1.5, "rx": CORNER_RADIUS},
    "organisation": {"stroke_width": 1.5},
    "loose": {"stroke_width": 1.5, "stroke_dasharray": "6 4"},
    "past": {"stroke_width": 1.5, "stroke_dasharray": "1.5 3"},
}
"""How a figure's frame tells what it is, without a colour."""
RING_STYLES = (("#ececec", ""), ("#f7f7f7", "12 5"), ("#fff", "2 5"))
"""How each ring is drawn, from the inside out: its ground, and the dashes of its edge."""
MAX_FIGURES_PER_RING = 30
"""Figures that a ring shows; a last one counts the others."""


def draw_ecomap(
    child: Sequence[str], rings: Sequence[Ring], title: str, foot: str, legend: dict[str, str], language: str
) -> str:
    """Return an ecomap: the child's name and age, the rings from the inside out, and what each frame means."""
    edge, standing, edges = _child_ellipse(child), [], []
    for ring in rings:
        boxes, edge = _place_figures(ring, edge)
        standing.append(boxes)
        edges.append(edge)
    top, bottom = 70.0, 44.0 + 26 * math.ceil(len(legend) / 2)
    wide, high = max(2 * edge.radius_x + 40, 760.0), top + 2 * edge.radius_y + bottom
    body = _translate(wide / 2, top + edge.radius_y, _draw_rings(child, rings, standing, edges))
    head = build_text(title, 24, 38, 20, font_weight="bold")
    below = _draw_legend(legend, high - bottom + 40, wide) + build_text(
        foot, wide - 24, 38, 12, text_anchor="end"
    )
    return build_svg((wide, high), title, _describe_ecomap(child, rings), head + body + below, language)


def _child_ellipse(child: Sequence[str]) -> Ellipse:
    widest = max(estimate_text_width(line, NAME_FONT_SIZE + 2) for line in child)
    return Ellipse(max(64.0, widest / 2 + 18), max(54.0, 16 + 13 * len(child)))


def _describe_ecomap(child: Sequence[str], rings: Sequence[Ring]) -> str:
    told = (
        f"{ring.title}: {'; '.join(figure.description for figure in ring.figures) or '—'}." for ring in rings
    )
    return " ".join([f"{', '.join(child)}.", *told])


def _place_figures(ring: Ring, inside: Ellipse) -> tuple[list[Box], Ellipse]:
    """Return where a ring's figures stand, as near to the child as nothing meets, and the ring's edge."""
    boxes = [_build_box(figure) for figure in _limit_figures(ring.figures)]
    tallest = max((box.height for box in boxes), default=24.0)
    path = Ellipse(
        inside.radius_x + RING_SPACING + BOX_WIDTH / 2, inside.radius_y + RING_SPACING + tallest / 2
    )
    placed = _distribute_along_ellipse(path, boxes, tallest)
    while _has_overlaps(placed, inside):
        path = path.expand(max(GROWTH_STEP, path.radius_y / 50))
        placed = _distribute_along_ellipse(path, boxes, tallest)
    if not placed:
        return [], inside.expand(RING_SPACING + tallest)
    edge = Ellipse(path.radius_x + BOX_WIDTH / 2, path.radius_y + tallest / 2).expand(BOX_SPACING)
    while not all(edge.contains(corner) for box in placed for corner in box.corners()):
        edge = edge.expand(GROWTH_STEP)
    return placed, edge.expand(BOX_SPACING)


def _limit_figures(figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    return (
        figures
        if len(figures) <= MAX_FIGURES_PER_RING
        else (*figures[: MAX_FIGURES_PER_RING - 1], Figure(f"+ {len(figures) - MAX_FIGURES_PER_RING + 1}"))
    )


def _build_box(figure: Figure) -> Box:
    name = fit_text_lines(figure.name, NAME_FONT_SIZE, BOX_WIDTH - 20, 3)
    details = [
        line
        for detail in figure.details
        for line in fit_text_lines(detail, DETAIL_FONT_SIZE, BOX_WIDTH - 20, 2)
    ]
    height = 16 + NAME_FONT_SIZE * LINE_HEIGHT * len(name) + DETAIL_FONT_SIZE * LINE_HEIGHT * len(details)
    return Box(0, 0, height, figure, name, details)


def _has_overlaps(boxes: list[Box], inside: Ellipse) -> bool:
    kept = inside.expand(RING_SPACING - 4)
    if any(kept.contains(box.nearest_point()) for box in boxes):
        return True
    return any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def _distribute_along_ellipse(path: Ellipse, boxes: list[Box], tallest: float) -> list[Box]:
    """Put boxes along an ellipse from the top on, as far from one another as it allows.

    Distances are counted in boxes: where the path runs up and down, more of them have room than where it runs across.
    """
    track = [_point_at_angle(path, turn) for turn in range(361)]
    lengths = [0.0]
    for (x, y), (next_x, next_y) in pairwise(track):
        lengths.append(
            lengths[-1]
            + math.hypot((next_x - x) / (BOX_WIDTH + BOX_SPACING), (next_y - y) / (tallest + BOX_SPACING))
        )
    placed = []
    for place, box in enumerate(boxes):
        wanted = lengths[-1] * place / len(boxes)
        turn = max(bisect_left(lengths, wanted), 1)
        part = (wanted - lengths[turn - 1]) / (lengths[turn] - lengths[turn - 1])
        x, y = _point_at_angle(path, turn - 1 + part)
        placed.append(replace(box, x=x, y=y))
    return placed


def _point_at_angle(path: Ellipse, degrees: float) -> Point:
    turn = math.radians(degrees - 90)
    return path.radius_x * math.cos(turn), path.radius_y * math.sin(turn)


def _translate(x: float, y: float, content: str) -> str:
    return build_element("g", content, transform=f"translate({x:.1f} {y:.1f})")


def _draw_rings(
    child: Sequence[str], rings: Sequence[Ring], standing: Sequence[list[Box]], edges: Sequence[Ellipse]
) -> str:
    """Draw from the outside in, so that nothing hides what stands further inside."""
    drawn = []
    for ring, edge, (ground, dashes) in reversed(list(zip(rings, edges, RING_STYLES, strict=True))):
        drawn.append(_draw_ring_edge(edge, ground, dashes) + _draw_ring_title(ring.title, edge))
    near = [box for box in standing[0] if box.figure.frame == "supporter"]
    drawn += [
        build_element("line", x1=0, y1=0, x2=box.x, y2=box.y, stroke="#000", stroke_width=4) for box in near
    ]
    drawn += [_draw_figure(box) for boxes in standing for box in boxes]
    return "".join([*drawn, _draw_child(child)])


def _draw_ring_edge(edge: Ellipse, ground: str, dashes: str) -> str:
    told: dict[str, float | str] = {"fill": ground, "stroke": "#555", "stroke_width": 1.5}
    if dashes:
        told["stroke_dasharray"] = dashes
    return build_element("ellipse", cx=0, cy=0, rx=edge.radius_x, ry=edge.radius_y, **told)


def _draw_ring_title(title: str, edge: Ellipse) -> str:
    half = estimate_text_width(title, 13) / 2 + 10
    ground = build_element(
        "rect", x=-half, y=edge.radius_y - 12, width=2 * half, height=24, rx=12, fill="#fff", stroke="#555"
    )
    return ground + build_text(title, 0, edge.radius_y + 5, 13, text_anchor="middle")


def _draw_figure(box: Box) -> str:
    left, top = box.x - BOX_WIDTH / 2, box.y - box.height / 2
    frame = build_element(
        "rect",
        x=left,
        y=top,
        width=BOX_WIDTH,
        height=box.height,
        fill="#fff",
        stroke="#000",
        **FRAME_STYLES[box.figure.frame],
    )
    if box.figure.frame == "responsible":
        inner = {
            "x": left + 4,
            "y": top + 4,
            "width": BOX_WIDTH - 8,
            "height": box.height - 8,
            "rx": CORNER_RADIUS - 3,
        }
        frame += build_element("rect", fill="none", stroke="#000", **inner)
    first = top + 8 + NAME_FONT_SIZE * LINE_HEIGHT * 0.74
    then = first + NAME_FONT_SIZE * LINE_HEIGHT * len(box.name) - 2
    told = build_paragraph(box.name, box.x, first, NAME_FONT_SIZE, text_anchor="middle", font_weight="bold")
    told += build_paragraph(box.details, box.x, then, DETAIL_FONT_SIZE, text_anchor="middle")
    return build_element("g", frame + told)


def _draw_child(child: Sequence[str]) -> str:
    around = _child_ellipse(child)
    ground = build_element(
        "ellipse",
        cx=0,
        cy=0,
        rx=around.radius_x,
        ry=around.radius_y,
        fill="#fff",
        stroke="#000",
        stroke_width=5,
    )
    first = 6 - (len(child) - 1) * NAME_FONT_SIZE * LINE_HEIGHT / 2
    return ground + build_paragraph(
        list(child), 0, first, NAME_FONT_SIZE, text_anchor="middle", font_weight="bold"
    )


def _draw_legend(legend: dict[str, str], top: float, wide: float) -> str:
    """Show what each frame means, in two columns."""
    drawn = []
    for place, (frame, meaning) in enumerate(legend.items()):
        x, y = 24 + (place % 2) * wide / 2, top + 26 * (place // 2)
        drawn.append(
            build_element(
                "rect", x=x, y=y - 13, width=30, height=17, fill="#fff", stroke="#000", **FRAME_STYLES[frame]
            )
        )
        if frame == "responsible":
            drawn.append(
                build_element(
                    "rect", x=x + 3, y=y - 10, width=24, height=11, fill="none", stroke="#000", rx=7
                )
            )
        drawn.append(build_text(meaning, x + 40, y, 12))
    return "".join(drawn)
