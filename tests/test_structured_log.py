import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app import structured_log as logs
from app.structured_log import configure_logging, current_request_id, logger

CANARY = "Canary9271"


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, warnings.showwarning)
    configure_logging()
    yield
    structlog.reset_defaults()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    warnings.showwarning = before[2]


def fail() -> None:
    try:
        int(CANARY)
    except ValueError as cause:
        raise KeyError(CANARY) from cause


def written(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    captured = capsys.readouterr()
    assert CANARY not in captured.out + captured.err
    [line] = captured.out.splitlines()
    assert line.isascii()
    assert line.isprintable()
    members: dict[str, Any] = json.loads(line)
    return members


def test_log_line_is_json_with_time_level_and_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    token = current_request_id.set("screen-42")
    logger.info("sealed", leaves=3)
    current_request_id.reset(token)
    line = written(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "sealed", "leaves": 3, "level": "info", "request_id": "screen-42"}


def test_key_outside_allow_list_is_dropped_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    logger.info("received", child_name=CANARY, email=CANARY, count=1)
    line = written(capsys)
    assert (line["dropped"], line["count"]) == (2, 1)
    assert set(line) == {"timestamp", "level", "event", "dropped", "count"}


@pytest.mark.parametrize("hostile", ["a\r\nb", "\x1b[31mred", "\x7f", "\u2028\u2029\x85", '"},{"'])
def test_control_characters_are_escaped(capsys: pytest.CaptureFixture[str], hostile: str) -> None:
    logger.info("sealed", job=hostile)
    assert written(capsys)["job"] == hostile


def test_complex_value_is_logged_by_type_name(capsys: pytest.CaptureFixture[str]) -> None:
    logger.info("sealed", job={"name": CANARY}, table="x" * 1000, frames=[object()])
    line = written(capsys)
    assert (line["job"], len(line["table"]), line["frames"]) == ("dict", 300, ["object"])


def test_exception_is_logged_by_type_and_location(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail()
    except KeyError:
        logger.exception("sealing_failed")
    line = written(capsys)
    assert (line["error"], line["causes"]) == ("builtins.KeyError", ["builtins.ValueError"])
    assert "tests/test_structured_log.py:" in line["frames"][-1]


def test_standard_library_record_is_logged_without_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.error").warning("Found %s in 100%%", CANARY)
    assert written(capsys)["event"] == "Found %s in 100%%"
    try:
        fail()
    except KeyError:
        logging.getLogger("asyncio").exception("Task failed\nfuture: " + CANARY)  # noqa: G003 - as asyncio does
    line = written(capsys)
    assert (line["event"], line["logger"], line["error"]) == ("Task failed", "asyncio", "builtins.KeyError")


def test_uvicorn_access_log_is_disabled(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.access").info("GET /v1/children?q=%s", CANARY)
    assert capsys.readouterr().out == ""


def test_warning_is_logged_by_location_without_text(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = logs._show_warning  # pytest replaces it
        warnings.warn(CANARY, UserWarning, stacklevel=1)
    line = written(capsys)
    assert (line["event"], line["error"]) == ("warning", "UserWarning")
    assert "/tests/test_structured_log.py:" in line["where"]
