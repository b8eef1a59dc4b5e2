"""The numbers in `docs/asvs.md` are those of its rows."""

import re
from collections import Counter
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/asvs.md").read_text()
ROW = re.compile(r"^\| (V[\d.]+) \| (\d) \| .* \| (met|partial|open|operator) \| \S", re.MULTILINE)
SUMMARY = re.compile(r"^\| (met|partial|open|operator) \| [^|]* \| (\d+) \| (\d+) \|$", re.MULTILINE)


def test_summary_counts_the_rows() -> None:
    # Catches: a row changed from met to partial, and a requirement added.
    rows = ROW.findall(PAGE)
    numbers = [number for number, _, _ in rows]
    assert len(numbers) == len(set(numbers)) == len(re.findall(r"^\| V\d", PAGE, re.MULTILINE))
    assert f"contains the {len(numbers)} requirements" in PAGE
    by_state = Counter(state for _, _, state in rows)
    of_level_1 = Counter(state for _, level, state in rows if level == "1")
    summary = {state: (int(number), int(level_1)) for state, number, level_1 in SUMMARY.findall(PAGE)}
    assert summary == {state: (by_state[state], of_level_1[state]) for state in summary}
    assert len(summary) == 4
