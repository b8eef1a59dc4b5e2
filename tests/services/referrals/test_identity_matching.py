"""Figures of the evaluation sets of pairs of records (see bench/identity_matching.py)."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench import identity_pairs
from bench.identity_matching import PAIRS, RESULT, load_pairs, main, measure, measure_file

MIN_PRECISION, MIN_RECALL, MIN_PAIRS = 0.95, 0.9, 300


@pytest.mark.parametrize("name", identity_pairs.SETS)
def test_duplicates_are_found_with_the_required_precision_and_recall(name: str) -> None:
    pairs = load_pairs(PAIRS / f"{name}.json")
    both = measure(pairs)
    assert len(pairs) >= MIN_PAIRS
    assert both["precision"] >= MIN_PRECISION
    assert both["recall"] >= MIN_RECALL
    for script in ("khmer", "latin"):
        assert both["recall"] > measure(pairs, (script,))["recall"]


def test_committed_figures_are_those_of_the_sets() -> None:
    assert json.loads(RESULT.read_text()) == [
        measure_file(PAIRS / f"{name}.json") for name in identity_pairs.SETS
    ]


@pytest.mark.parametrize("name", identity_pairs.SETS)
def test_committed_pairs_are_those_of_the_generator(name: str) -> None:
    pairs = identity_pairs.PairGenerator(identity_pairs.SETS[name]).build_pairs()
    assert json.loads(json.dumps(pairs)) == load_pairs(PAIRS / f"{name}.json")


def test_command_measures_the_file_that_is_its_argument(tmp_path: Path) -> None:
    # Catches: the file as an option.
    file = tmp_path / "ten.json"
    file.write_text(json.dumps(load_pairs(PAIRS / "control.json")[:10]))
    command = typer.Typer()
    command.command()(main)
    result = CliRunner().invoke(command, [str(file)])
    assert json.loads(result.output)["pairs"] == 10
