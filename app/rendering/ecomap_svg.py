"""Draws an ecomap: rings of the socio-ecological model around a child, however many stand in each of them."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from app.rendering.svg import LEADING, drawing, element, lines, paragraph, width, writing

BOX = 160.0
ROOM = 18.0
"""Between what stands in different rings."""
GAP = 10.0
"""Between neighbours in a ring."""
NAME, DETAIL = 14.0, 12.0
"""Sizes of letters."""
STEP = 4.0
CORNERS = 10.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """Somebody, or some organisation, in a ring."""

    name: str
    details: tuple[str, ...] = ()
    frame: str = "person"
    """One of `FRAMES`."""

    @property
    def spoken(self) -> str:
        """The figure in words."""
        return ", ".join([self.name, *self.details])


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring, from the inside out."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """Where a figure stands: its middle, its size, and what is written in it."""

    x: float
    y: float
    height: float
    figure: Figure
    name: list[str]
    details: list[str]

    def meets(self, other: "Box") -> bool:
        """Whether two boxes are too near to one another."""
        apart = abs(self.y - other.y) - (self.height + other.height) / 2
        return abs(self.x - other.x) < BOX + GAP and apart < GAP

    def corners(self) -> Iterator[Point]:
        """Yield the four corners."""
        for across in (-BOX / 2, BOX / 2):
            for down in (-self.height / 2, self.height / 2):
                yield self.x + across, self.y + down

    def nearest(self) -> Point:
        """Return the point of the box that is nearest to the child."""
        return max(abs(self.x) - BOX / 2, 0), max(abs(self.y) - self.height / 2, 0)


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse around the child."""

    across: float
    down: float

    def holds(self, point: Point) -> bool:
        """Whether a point lies within."""
        return (point[0] / self.across) ** 2 + (point[1] / self.down) ** 2 < 1

    def grown(self, by: float) -> "Ellipse":
        """Return a larger one."""
        return Ellipse(self.across + by, self.down + by)


FRAMES: dict[str, dict[str, float | str]] = {
    "supporter": {"stroke_width": 4, "rx": CORNERS},
    "responsible": {"stroke_width": 1.5, "rx": CORNERS},
    "person": {"stroke_width": 1.5, "rx": CORNERS},
    "organisation": {"stroke_width": 1.5},
    "loose": {"stroke_width": 1.5, "stroke_dasharray": "6 4"},
    "past": {"stroke_width": 1.5, "stroke_dasharray": "1.5 3"},
}
"""How a figure's frame tells what it is, without a colour."""
EDGES = (("#ececec", ""), ("#f7f7f7", "12 5"), ("#fff", "2 5"))
"""How each ring is drawn, from the inside out: its ground, and the dashes of its edge."""
MOST = 30
"""Figures that a ring shows; a last one counts the others."""


def draw(
    child: Sequence[str], rings: Sequence[Ring], title: str, foot: str, legend: dict[str, str], language: str
) -> str:
    """Return an ecomap: the child's name and age, the rings from the inside out, and what each frame means."""
    edge, standing, edges = _middle(child), [], []
    for ring in rings:
        boxes, edge = _placed(ring, edge)
        standing.append(boxes)
        edges.append(edge)
    top, bottom = 70.0, 44.0 + 26 * math.ceil(len(legend) / 2)
    wide, high = max(2 * edge.across + 40, 760.0), top + 2 * edge.down + bottom
    body = _at(wide / 2, top + edge.down, _rings(child, rings, standing, edges))
    head = writing(title, 24, 38, 20, font_weight="bold")
    below = _legend(legend, high - bottom + 40, wide) + writing(foot, wide - 24, 38, 12, text_anchor="end")
    return drawing((wide, high), title, _spoken(child, rings), head + body + below, language)


def _middle(child: Sequence[str]) -> Ellipse:
    widest = max(width(line, NAME + 2) for line in child)
    return Ellipse(max(64.0, widest / 2 + 18), max(54.0, 16 + 13 * len(child)))


def _spoken(child: Sequence[str], rings: Sequence[Ring]) -> str:
    told = (f"{ring.title}: {'; '.join(figure.spoken for figure in ring.figures) or '—'}." for ring in rings)
    return " ".join([f"{', '.join(child)}.", *told])


def _placed(ring: Ring, inside: Ellipse) -> tuple[list[Box], Ellipse]:
    """Return where a ring's figures stand, as near to the child as nothing meets, and the ring's edge."""
    boxes = [_box(figure) for figure in _shown(ring.figures)]
    tallest = max((box.height for box in boxes), default=24.0)
    path = Ellipse(inside.across + ROOM + BOX / 2, inside.down + ROOM + tallest / 2)
    placed = _along(path, boxes, tallest)
    while _crowded(placed, inside):
        path = path.grown(max(STEP, path.down / 50))
        placed = _along(path, boxes, tallest)
    if not placed:
        return [], inside.grown(ROOM + tallest)
    edge = Ellipse(path.across + BOX / 2, path.down + tallest / 2).grown(GAP)
    while not all(edge.holds(corner) for box in placed for corner in box.corners()):
        edge = edge.grown(STEP)
    return placed, edge.grown(GAP)


def _shown(figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    return figures if len(figures) <= MOST else (*figures[: MOST - 1], Figure(f"+ {len(figures) - MOST + 1}"))


def _box(figure: Figure) -> Box:
    name = lines(figure.name, NAME, BOX - 20, 3)
    details = [line for detail in figure.details for line in lines(detail, DETAIL, BOX - 20, 2)]
    height = 16 + NAME * LEADING * len(name) + DETAIL * LEADING * len(details)
    return Box(0, 0, height, figure, name, details)


def _crowded(boxes: list[Box], inside: Ellipse) -> bool:
    kept = inside.grown(ROOM - 4)
    if any(kept.holds(box.nearest()) for box in boxes):
        return True
    return any(one.meets(other) for place, one in enumerate(boxes) for other in boxes[:place])


def _along(path: Ellipse, boxes: list[Box], tallest: float) -> list[Box]:
    """Put boxes along an ellipse from the top on, as far from one another as it allows.

    Distances are counted in boxes: where the path runs up and down, more of them have room than where it runs across.
    """
    track = [_point(path, turn) for turn in range(361)]
    lengths = [0.0]
    for (x, y), (next_x, next_y) in pairwise(track):
        lengths.append(lengths[-1] + math.hypot((next_x - x) / (BOX + GAP), (next_y - y) / (tallest + GAP)))
    placed = []
    for place, box in enumerate(boxes):
        wanted = lengths[-1] * place / len(boxes)
        turn = max(bisect_left(lengths, wanted), 1)
        part = (wanted - lengths[turn - 1]) / (lengths[turn] - lengths[turn - 1])
        x, y = _point(path, turn - 1 + part)
        placed.append(replace(box, x=x, y=y))
    return placed


def _point(path: Ellipse, degrees: float) -> Point:
    turn = math.radians(degrees - 90)
    return path.across * math.cos(turn), path.down * math.sin(turn)


def _at(x: float, y: float, content: str) -> str:
    return element("g", content, transform=f"translate({x:.1f} {y:.1f})")


def _rings(
    child: Sequence[str], rings: Sequence[Ring], standing: Sequence[list[Box]], edges: Sequence[Ellipse]
) -> str:
    """Draw from the outside in, so that nothing hides what stands further inside."""
    drawn = []
    for ring, edge, (ground, dashes) in reversed(list(zip(rings, edges, EDGES, strict=True))):
        drawn.append(_edge(edge, ground, dashes) + _ring_title(ring.title, edge))
    near = [box for box in standing[0] if box.figure.frame == "supporter"]
    drawn += [element("line", x1=0, y1=0, x2=box.x, y2=box.y, stroke="#000", stroke_width=4) for box in near]
    drawn += [_figure(box) for boxes in standing for box in boxes]
    return "".join([*drawn, _child(child)])


def _edge(edge: Ellipse, ground: str, dashes: str) -> str:
    told: dict[str, float | str] = {"fill": ground, "stroke": "#555", "stroke_width": 1.5}
    if dashes:
        told["stroke_dasharray"] = dashes
    return element("ellipse", cx=0, cy=0, rx=edge.across, ry=edge.down, **told)


def _ring_title(title: str, edge: Ellipse) -> str:
    half = width(title, 13) / 2 + 10
    ground = element(
        "rect", x=-half, y=edge.down - 12, width=2 * half, height=24, rx=12, fill="#fff", stroke="#555"
    )
    return ground + writing(title, 0, edge.down + 5, 13, text_anchor="middle")


def _figure(box: Box) -> str:
    left, top = box.x - BOX / 2, box.y - box.height / 2
    frame = element(
        "rect",
        x=left,
        y=top,
        width=BOX,
        height=box.height,
        fill="#fff",
        stroke="#000",
        **FRAMES[box.figure.frame],
    )
    if box.figure.frame == "responsible":
        inner = {"x": left + 4, "y": top + 4, "width": BOX - 8, "height": box.height - 8, "rx": CORNERS - 3}
        frame += element("rect", fill="none", stroke="#000", **inner)
    first = top + 8 + NAME * LEADING * 0.74
    then = first + NAME * LEADING * len(box.name) - 2
    told = paragraph(box.name, box.x, first, NAME, text_anchor="middle", font_weight="bold")
    told += paragraph(box.details, box.x, then, DETAIL, text_anchor="middle")
    return element("g", frame + told)


def _child(child: Sequence[str]) -> str:
    around = _middle(child)
    ground = element(
        "ellipse", cx=0, cy=0, rx=around.across, ry=around.down, fill="#fff", stroke="#000", stroke_width=5
    )
    first = 6 - (len(child) - 1) * NAME * LEADING / 2
    return ground + paragraph(list(child), 0, first, NAME, text_anchor="middle", font_weight="bold")


def _legend(legend: dict[str, str], top: float, wide: float) -> str:
    """Show what each frame means, in two columns."""
    drawn = []
    for place, (frame, meaning) in enumerate(legend.items()):
        x, y = 24 + (place % 2) * wide / 2, top + 26 * (place // 2)
        drawn.append(
            element("rect", x=x, y=y - 13, width=30, height=17, fill="#fff", stroke="#000", **FRAMES[frame])
        )
        if frame == "responsible":
            drawn.append(
                element("rect", x=x + 3, y=y - 10, width=24, height=11, fill="none", stroke="#000", rx=7)
            )
        drawn.append(writing(meaning, x + 40, y, 12))
    return "".join(drawn)
