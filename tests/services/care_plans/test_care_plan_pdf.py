"""The printable care plan: its content, its confidential parts, and the rendering of Khmer text."""

import io
import logging
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pypdf
import pytest
import uharfbuzz
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

from app.kit.dates import today
from app.kit.formatting import format_date
from app.rendering import pdf as pdf_module
from app.rendering.line_breaks import wrap_text
from app.rendering.pdf import PdfDocument, TextStyle
from tests.support.case_lifecycle import create_active_case, create_approved_assessment, fill_care_plan
from tests.support.payloads import BILINGUAL_NAMES
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, referral_payload

DIFFICULT_WORDS = (
    "ស្ត្រី", "ក្រុម", "កុមារ", "ខ្ញុំ", "ព្រះរាជាណាចក្រ", "សុខភាពផ្លូវអារម្មណ៍", "គ្រួសារ", "ញ៉ាំ", "ប៊ូតុង", "ស៊ី", "ហ៊ឹម",
    "លើ", "កោះ", "ភៀស", "ស្រៀវ", "វិជ្ជាជីវៈ", "អ្នកញឹកញាប់", "កញ្ញា", "ឥន្ទ្រា", "ស៊្រីន", "ធ្វើ", "ខ្លាំង", "Keo Intrea",
)  # fmt: skip
FONT_PATH = Path(pdf_module.__file__).with_name("fonts") / "NotoSansKhmer-Regular.ttf"
KHMER_TEXT = (
    "កុមារត្រូវបានការពារនៅក្នុងគ្រួសារដែលមានសុវត្ថិភាព និងទទួលបានការគាំទ្រពីអ្នកថែទាំរបស់ខ្លួនជារៀងរាល់សប្តាហ៍។ "
    "មនុស្សទាំងអស់រស់នៅលើផែនដីមិនមែនគ្រាន់តែជាការសប្បាយនោះទេ តែវាជាការចូលរួមចំណែក។"
)


def render_lines(*lines: str) -> pypdf.PdfReader:
    """Return a PDF page with these lines."""
    with closing(PdfDocument("Title", "km")) as document:
        document.add_page()
        for row, line in enumerate(lines):
            document.write_line(50, 50 + 30 * row, line, TextStyle(10))
        return parse_pdf(bytes(document.output()))


def parse_pdf(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def extract_text(reader: pypdf.PdfReader) -> str:
    """Return the text of all pages as a PDF reader extracts it from `ActualText`."""
    contents: list[Any] = [page.get_contents() for page in reader.pages]
    hex_phrases = [
        re.findall("ActualText <FEFF([0-9a-f]*)>", content.get_data().decode("latin-1"))
        for content in contents
    ]
    return "".join(bytes.fromhex(phrase).decode("utf-16-be") for page in hex_phrases for phrase in page)


def read_embedded_font(reader: pypdf.PdfReader) -> tuple[TTFont, bytes, dict[int, int]]:
    """Return the embedded font, the map from character codes to glyph ids, and the width of each code."""
    resources: Any = reader.pages[0]["/Resources"]
    [font] = resources["/Font"].values()
    [descendant] = font.get_object()["/DescendantFonts"]
    cid_font = descendant.get_object()
    widths: dict[int, int] = {}
    entries = iter(cid_font["/W"])
    for first, last in zip(entries, entries, strict=False):
        if isinstance(last, list):
            widths.update(enumerate(map(int, last), int(first)))
        else:
            widths.update(dict.fromkeys(range(int(first), int(last) + 1), int(next(entries))))
    font_file = cid_font["/FontDescriptor"]["/FontFile2"].get_data()
    return TTFont(io.BytesIO(font_file)), cid_font["/CIDToGIDMap"].get_data(), widths


def list_drawn_glyphs(word: str) -> list[tuple[float, float, Any]]:
    """Return position (in thousandths of the font size) and outline of each glyph that the PDF draws for a word."""
    reader = render_lines(word)
    font, glyph_ids, widths = read_embedded_font(reader)
    content: Any = reader.pages[0].get_contents()
    x, y, glyphs = 0.0, 0.0, []
    for operands, operator in content.operations:
        if operator == b"Ts":
            y = float(operands[0]) * 100
        for part in operands[0] if operator == b"TJ" else ():
            if isinstance(part, int | float):
                x -= float(part)
                continue
            code = int.from_bytes(getattr(part, "original_bytes", part))
            gid = int.from_bytes(glyph_ids[2 * code : 2 * code + 2])
            glyphs.append((x, y, get_glyph_outline(font, font.getGlyphName(gid))))
            x += widths[code]
    return glyphs


def list_shaped_glyphs(word: str) -> list[tuple[float, float, Any]]:
    """Return position and outline of each glyph that HarfBuzz produces for a word with the complete font."""
    font, complete_font = (
        uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(FONT_PATH))),
        TTFont(FONT_PATH),
    )
    buffer = uharfbuzz.Buffer()
    buffer.add_str(word)
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    x, glyphs = 0.0, []
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        glyph = get_glyph_outline(complete_font, complete_font.getGlyphName(info.codepoint))
        glyphs.append((x + position.x_offset, position.y_offset, glyph))
        x += position.x_advance
    return glyphs


def get_glyph_outline(font: TTFont, name: str) -> Any:
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    return pen.value


@pytest.mark.parametrize("word", DIFFICULT_WORDS)
def test_glyphs_and_positions_in_the_pdf_equal_those_of_harfbuzz(word: str) -> None:
    drawn_glyphs, shaped_glyphs = list_drawn_glyphs(word), list_shaped_glyphs(word)
    assert [glyph for _, _, glyph in drawn_glyphs] == [glyph for _, _, glyph in shaped_glyphs]
    for (x, y, _), (shaped_x, shaped_y, _) in zip(drawn_glyphs, shaped_glyphs, strict=True):
        assert (x, y) == pytest.approx((shaped_x, shaped_y), abs=1.01)


def test_shaped_words_differ_from_unshaped_letters() -> None:
    font = TTFont(FONT_PATH)
    letters = font.getBestCmap()
    for word in ("ស្ត្រី", "ក្រុម", "ខ្ញុំ"):
        assert [get_glyph_outline(font, letters[ord(letter)]) for letter in word] != [
            glyph for _, _, glyph in list_shaped_glyphs(word)
        ]


@pytest.mark.parametrize("word", [*DIFFICULT_WORDS, "សម្លៀកបំពាក់", "a\u200bb", "ក្នុង ស្រុក"])
def test_word_can_be_extracted_from_the_pdf(word: str) -> None:
    reader = render_lines(word)
    assert extract_text(reader) == word
    text_without_spaces = re.sub("[\u200b\\s]", "", reader.pages[0].extract_text())
    assert text_without_spaces == re.sub("[\u200b\\s]", "", word)


def test_khmer_lines_break_between_words_and_fit_the_width() -> None:
    style = TextStyle(10)
    for width in (30.0, 60.0, 113.0, 250.0):
        with closing(PdfDocument("Title", "km")) as document:
            lines = document.wrap_text(KHMER_TEXT, width, style)
            assert all(document.measure_text(line, style) <= width for line in lines)
        assert "".join(lines).replace(" ", "") == KHMER_TEXT.replace(" ", "")
        assert not any(re.match("[\u17b4-\u17d3\u17dd]", line) for line in lines)
        assert not any(line.endswith("\u17d2") for line in lines)
    assert wrap_text("ព្រះរាជាណាចក្រកម្ពុជា", 8, len) == ["ព្រះរាជា", "ណាចក្រ", "កម្ពុជា"] or wrap_text(
        "ព្រះរាជាណាចក្រកម្ពុជា", 14, len
    ) == ["ព្រះរាជាណាចក្រ", "កម្ពុជា"]
    assert wrap_text("one\n\ttwo", 5, len) == ["one", " two"]
    assert wrap_text("unbelievable", 5, len) == ["unbel", "ievab", "le"]


def test_pdf_rendering_does_not_log_content(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        reader = render_lines("កែវ Keo 漢 \U0001f600")
    assert caplog.text == ""
    assert extract_text(reader) == "កែវ Keo 漢 \U0001f600"


def test_application_start_does_not_import_pdf_libraries() -> None:
    code = (
        "import sys, app.main; print({'fpdf', 'fontTools', 'PIL', 'icu4py', 'uharfbuzz'} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"


async def test_pdf_of_a_draft_has_a_watermark_and_of_an_approved_plan_has_none(scenario: Scenario) -> None:
    case = await scenario.open_case(child={**referral_payload()["child"], "names": BILINGUAL_NAMES})
    assessment = await create_approved_assessment(scenario, case)
    worker = scenario.worker_north
    payload = {"subject": "child", "assessment_id": assessment["id"]}
    plan = expect_json(await worker.post(f"/v1/cases/{case['id']}/care-plans", payload), 201)
    path = f"/v1/care-plans/{plan['id']}"
    empty_pdf = parse_pdf((await worker.get(f"{path}/print.pdf")).content)
    assert "DRAFT" in extract_text(empty_pdf)
    assert "Not answered yet." in extract_text(empty_pdf)
    await fill_care_plan(scenario, plan)
    draft_response = await worker.get(f"{path}/print.pdf")
    assert extract_text(parse_pdf(draft_response.content)).startswith("DRAFT")
    expect_json(await worker.act(path, "submit"))
    assert extract_text(parse_pdf((await worker.get(f"{path}/print.pdf")).content)).startswith("DRAFT")
    expect_json(await scenario.supervisor_north.act(path, "approve"))

    response = await worker.get(f"{path}/print.pdf")
    assert response.headers["content-type"] == "application/pdf"
    assert (
        response.headers["content-disposition"]
        == f'inline; filename="{case["number"]}-care-plan-child-1.pdf"'
    )
    assert response.headers["cache-control"] == "no-store"
    reader = parse_pdf(response.content)
    text = extract_text(reader)
    assert "DRAFT" not in text
    for part in (
        case["number"], "Keo Intrea", "កែវ ឥន្ទ្រា", "1. Emotional health", "7. Legal", "Sleeps through the night.",
        "Play therapy on Tuesdays.", "Social worker", "31 January 2027", "Tells the grandmother.", "A caring grandmother.",
        "Worker North", "Supervisor North", format_date(today(), "en"), "Signature or thumbprint", "Strong enough.",
        f"Page 1 of {len(reader.pages)}", f"Page {len(reader.pages)} of {len(reader.pages)}",
    ):  # fmt: skip
        assert part in text, part
    for confidential in ("What is missing", "Low while the grandmother", "Risk", "Rating"):
        assert confidential not in text
    for page in reader.pages:
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    for font in {str(f) for page in reader.pages for f in list_font_names(page)}:
        assert re.fullmatch(r"/[A-Z]+\+NotoSansKhmer(-?Bold)?", font), font
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["child_id"], entry["case_id"]) == (
        "care_plan.print",
        case["child_id"],
        case["id"],
    )


def list_font_names(page: Any) -> list[str]:
    """Return the names of the fonts of a page. Fails if a font is not embedded."""
    names = []
    for font in page["/Resources"]["/Font"].values():
        [descendant] = font.get_object()["/DescendantFonts"]
        assert "/FontFile2" in descendant.get_object()["/FontDescriptor"]
        names.append(font.get_object()["/BaseFont"])
    return names


async def test_pdf_language_is_selected_by_query_or_header(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    path = f"/v1/care-plans/{plan['id']}/print.pdf"
    worker = scenario.worker_north
    for options in ({"params": {"language": "km"}}, {"headers": {"accept-language": "km"}}):
        response = await worker.get(path, **options)
        text = extract_text(parse_pdf(response.content))
        for part in (
            "ផែនការថែទាំ",
            "១. សុខភាពផ្លូវអារម្មណ៍",
            "បុគ្គលិកសង្គម",
            "៣១ មករា ២០២៧",
            "ទំព័រទី ១ នៃ",
            case["number"],
        ):
            assert part in text, part
        assert response.headers["content-language"] == "km"
    english_response = await worker.get(path, params={"language": "en"}, headers={"accept-language": "km"})
    assert "Care plan" in extract_text(parse_pdf(english_response.content))
    assert (await worker.get(path, params={"language": "fr"})).status_code == 422
    for name, status in (
        ("supervisor_north", 200), ("manager", 200), ("worker_south", 404),
        ("partner_one", 403), ("finance", 403), ("dpo", 403), ("admin", 403),
    ):  # fmt: skip
        assert (await scenario.client_for(name).get(path)).status_code == status
