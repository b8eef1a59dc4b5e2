"""The printed care plan: what it says and does not say, and that its Khmer is Khmer."""

import io
import logging
import re
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pypdf
import pytest
import uharfbuzz
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

from app.kit.dates import today
from app.kit.formatting import format_age, format_date
from app.models.contents import StoredBirth
from app.rendering import pdf as printed_pages
from app.rendering.line_breaks import wrap_text
from app.rendering.pdf import PdfDocument, TextStyle
from tests.support.case_lifecycle import create_active_case, create_approved_assessment, fill_care_plan
from tests.support.payloads import BILINGUAL_NAMES
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, referral_payload

DIFFICULT = (
    "ស្ត្រី", "ក្រុម", "កុមារ", "ខ្ញុំ", "ព្រះរាជាណាចក្រ", "សុខភាពផ្លូវអារម្មណ៍", "គ្រួសារ", "ញ៉ាំ", "ប៊ូតុង", "ស៊ី", "ហ៊ឹម",
    "លើ", "កោះ", "ភៀស", "ស្រៀវ", "វិជ្ជាជីវៈ", "អ្នកញឹកញាប់", "កញ្ញា", "ឥន្ទ្រា", "ស៊្រីន", "ធ្វើ", "ខ្លាំង", "Keo Intrea",
)  # fmt: skip
FONT = Path(printed_pages.__file__).with_name("fonts") / "NotoSansKhmer-Regular.ttf"
SENTENCE = (
    "កុមារត្រូវបានការពារនៅក្នុងគ្រួសារដែលមានសុវត្ថិភាព និងទទួលបានការគាំទ្រពីអ្នកថែទាំរបស់ខ្លួនជារៀងរាល់សប្តាហ៍។ "
    "មនុស្សទាំងអស់រស់នៅលើផែនដីមិនមែនគ្រាន់តែជាការសប្បាយនោះទេ តែវាជាការចូលរួមចំណែក។"
)


def printed(*lines: str) -> pypdf.PdfReader:
    """A page with these lines."""
    with closing(PdfDocument("Title", "km")) as pages:
        pages.add_page()
        for place, line in enumerate(lines):
            pages.write_line(50, 50 + 30 * place, line, TextStyle(10))
        return read(bytes(pages.output()))


def read(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def said(reader: pypdf.PdfReader) -> str:
    """Everything the pages say, as a reader that looks for `ActualText` copies it."""
    streams: list[Any] = [page.get_contents() for page in reader.pages]
    phrases = [
        re.findall("ActualText <FEFF([0-9a-f]*)>", stream.get_data().decode("latin-1")) for stream in streams
    ]
    return "".join(bytes.fromhex(phrase).decode("utf-16-be") for page in phrases for phrase in page)


def font_of(reader: pypdf.PdfReader) -> tuple[TTFont, bytes, dict[int, int]]:
    """The font that is embedded, the map from codes to its glyphs, and the codes' widths."""
    fonts: Any = reader.pages[0]["/Resources"]
    [font] = fonts["/Font"].values()
    [descendant] = font.get_object()["/DescendantFonts"]
    told = descendant.get_object()
    widths: dict[int, int] = {}
    listed = iter(told["/W"])
    for first, last in zip(listed, listed, strict=False):
        if isinstance(last, list):
            widths.update(enumerate(map(int, last), int(first)))
        else:
            widths.update(dict.fromkeys(range(int(first), int(last) + 1), int(next(listed))))
    stream = told["/FontDescriptor"]["/FontFile2"].get_data()
    return TTFont(io.BytesIO(stream)), told["/CIDToGIDMap"].get_data(), widths


def drawn(word: str) -> list[tuple[float, float, Any]]:
    """The glyphs of a word on a page: where each stands, in thousandths, and its outline in the embedded font."""
    reader = printed(word)
    font, glyph_of, widths = font_of(reader)
    content: Any = reader.pages[0].get_contents()
    x, rise, found = 0.0, 0.0, []
    for operands, operator in content.operations:
        if operator == b"Ts":
            rise = float(operands[0]) * 100
        for part in operands[0] if operator == b"TJ" else ():
            if isinstance(part, int | float):
                x -= float(part)
                continue
            code = int.from_bytes(getattr(part, "original_bytes", part))
            gid = int.from_bytes(glyph_of[2 * code : 2 * code + 2])
            found.append((x, rise, outline(font, font.getGlyphName(gid))))
            x += widths[code]
    return found


def shaped(word: str) -> list[tuple[float, float, Any]]:
    """The same, as HarfBuzz shapes the words of a text with the whole font."""
    font, whole = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(FONT))), TTFont(FONT)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(word)
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    x, found = 0.0, []
    for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        glyph = outline(whole, whole.getGlyphName(info.codepoint))
        found.append((x + at.x_offset, at.y_offset, glyph))
        x += at.x_advance
    return found


def outline(font: TTFont, name: str) -> Any:
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    return pen.value


@pytest.mark.parametrize("word", DIFFICULT)
def test_every_glyph_is_the_one_that_harfbuzz_chose_where_harfbuzz_put_it(word: str) -> None:
    on_page, wanted = drawn(word), shaped(word)
    assert [glyph for _, _, glyph in on_page] == [glyph for _, _, glyph in wanted]
    for (x, y, _), (wanted_x, wanted_y, _) in zip(on_page, wanted, strict=True):
        assert (x, y) == pytest.approx((wanted_x, wanted_y), abs=1.01)


def test_shaping_makes_a_difference() -> None:
    font = TTFont(FONT)
    letters = font.getBestCmap()
    for word in ("ស្ត្រី", "ក្រុម", "ខ្ញុំ"):
        assert [outline(font, letters[ord(letter)]) for letter in word] != [g for _, _, g in shaped(word)]


@pytest.mark.parametrize("word", [*DIFFICULT, "សម្លៀកបំពាក់", "a\u200bb", "ក្នុង ស្រុក"])
def test_a_word_can_be_copied_out_of_the_page(word: str) -> None:
    reader = printed(word)
    assert said(reader) == word
    bare = re.sub("[\u200b\\s]", "", reader.pages[0].extract_text())
    assert bare == re.sub("[\u200b\\s]", "", word)


def test_lines_end_between_words_and_never_part_a_letter_from_its_signs() -> None:
    style = TextStyle(10)
    for room in (30.0, 60.0, 113.0, 250.0):
        with closing(PdfDocument("Title", "km")) as pages:
            lines = pages.wrap_text(SENTENCE, room, style)
            assert all(pages.measure_text(line, style) <= room for line in lines)
        assert "".join(lines).replace(" ", "") == SENTENCE.replace(" ", "")
        assert not any(re.match("[\u17b4-\u17d3\u17dd]", line) for line in lines)
        assert not any(line.endswith("\u17d2") for line in lines)
    assert wrap_text("ព្រះរាជាណាចក្រកម្ពុជា", 8, len) == ["ព្រះរាជា", "ណាចក្រ", "កម្ពុជា"] or wrap_text(
        "ព្រះរាជាណាចក្រកម្ពុជា", 14, len
    ) == ["ព្រះរាជាណាចក្រ", "កម្ពុជា"]
    assert wrap_text("one\n\ttwo", 5, len) == ["one", " two"]
    assert wrap_text("unbelievable", 5, len) == ["unbel", "ievab", "le"]


def test_the_program_that_prints_says_nothing_about_what_it_prints(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        reader = printed("កែវ Keo 漢 \U0001f600")
    assert caplog.text == ""
    assert said(reader) == "កែវ Keo 漢 \U0001f600"


def test_starting_does_not_wait_for_what_printing_needs() -> None:
    code = (
        "import sys, app.main; print({'fpdf', 'fontTools', 'PIL', 'icu4py', 'uharfbuzz'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_dates_and_ages_are_written_as_people_read_them() -> None:
    assert format_date(date(2026, 5, 4), "en") == "4 May 2026"
    assert format_date(date(2026, 12, 31), "km") == "៣១ ធ្នូ ២០២៦"
    born_on: StoredBirth = {
        "date": "2015-05-04",
        "precision": "day",
        "estimated_age": None,
        "estimated_on": None,
    }
    assert format_age(born_on, date(2026, 5, 3), "en") == "10"
    born_in: StoredBirth = {**born_on, "date": "2015-01-01", "precision": "year"}
    assert format_age(born_in, date(2026, 5, 3), "km") == "១០-១១"


async def test_a_draft_is_printed_as_one_and_an_approved_plan_is_not(scenario: Scenario) -> None:
    case = await scenario.open_case(child={**referral_payload()["child"], "names": BILINGUAL_NAMES})
    assessment = await create_approved_assessment(scenario, case)
    worker = scenario.worker_north
    told = {"subject": "child", "assessment_id": assessment["id"]}
    plan = expect_json(await worker.post(f"/v1/cases/{case['id']}/care-plans", told), 201)
    path = f"/v1/care-plans/{plan['id']}"
    empty = read((await worker.get(f"{path}/print.pdf")).content)
    assert "DRAFT" in said(empty)
    assert "Not answered yet." in said(empty)
    await fill_care_plan(scenario, plan)
    draft = await worker.get(f"{path}/print.pdf")
    assert said(read(draft.content)).startswith("DRAFT")
    expect_json(await worker.act(path, "submit"))
    assert said(read((await worker.get(f"{path}/print.pdf")).content)).startswith("DRAFT")
    expect_json(await scenario.supervisor_north.act(path, "approve"))

    answer = await worker.get(f"{path}/print.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert (
        answer.headers["content-disposition"] == f'inline; filename="{case["number"]}-care-plan-child-1.pdf"'
    )
    assert answer.headers["cache-control"] == "no-store"
    reader = read(answer.content)
    text = said(reader)
    assert "DRAFT" not in text
    for part in (
        case["number"], "Keo Intrea", "កែវ ឥន្ទ្រា", "1. Emotional health", "7. Legal", "Sleeps through the night.",
        "Play therapy on Tuesdays.", "Social worker", "31 January 2027", "Tells the grandmother.", "A caring grandmother.",
        "Worker North", "Supervisor North", format_date(today(), "en"), "Signature or thumbprint", "Strong enough.",
        f"Page 1 of {len(reader.pages)}", f"Page {len(reader.pages)} of {len(reader.pages)}",
    ):  # fmt: skip
        assert part in text, part
    for kept_back in ("What is missing", "Low while the grandmother", "Risk", "Rating"):
        assert kept_back not in text
    for page in reader.pages:
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    for font in {str(f) for page in reader.pages for f in fonts(page)}:
        assert re.fullmatch(r"/[A-Z]+\+NotoSansKhmer(-?Bold)?", font), font
    [entry] = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert (entry["act"], entry["child_id"], entry["case_id"]) == (
        "care_plan.print",
        case["child_id"],
        case["id"],
    )


def fonts(page: Any) -> list[str]:
    """The names of a page's fonts; each of them must be embedded."""
    names = []
    for font in page["/Resources"]["/Font"].values():
        [descendant] = font.get_object()["/DescendantFonts"]
        assert "/FontFile2" in descendant.get_object()["/FontDescriptor"]
        names.append(font.get_object()["/BaseFont"])
    return names


async def test_khmer_is_chosen_by_query_or_by_header(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    path = f"/v1/care-plans/{plan['id']}/print.pdf"
    worker = scenario.worker_north
    for options in ({"params": {"language": "km"}}, {"headers": {"accept-language": "km"}}):
        answer = await worker.get(path, **options)
        text = said(read(answer.content))
        for part in (
            "ផែនការថែទាំ",
            "១. សុខភាពផ្លូវអារម្មណ៍",
            "បុគ្គលិកសង្គម",
            "៣១ មករា ២០២៧",
            "ទំព័រទី ១ នៃ",
            case["number"],
        ):
            assert part in text, part
        assert answer.headers["content-language"] == "km"
    both = await worker.get(path, params={"language": "en"}, headers={"accept-language": "km"})
    assert "Care plan" in said(read(both.content))
    assert (await worker.get(path, params={"language": "fr"})).status_code == 422
    for name, status in (
        ("supervisor_north", 200), ("manager", 200), ("worker_south", 404),
        ("partner_one", 403), ("finance", 403), ("dpo", 403), ("admin", 403),
    ):  # fmt: skip
        assert (await scenario.client_for(name).get(path)).status_code == status
