"""Measures how much of the project's English uses wording that the style rules exclude.

`python -m tests.architecture.prose` prints the share of affected sentences per place; `--list PLACE` prints the sentences.
CONTRIBUTING.md explains the rules.
"""

import argparse
import ast
import io
import json
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

PATTERNS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "free relative": r"^(who|whom|whose|whoever|what|whatever|whichever)\b(?![^?]*\?$)",
        "relative as object": r"\b(whoever|whomever|whatever)\b|\b(of|undo|undoes|lists?|contains?|shows?|knows?|reads?) what\b",
        "indefinite person": r"\b(nobody|somebody|everybody|anybody|someone|anyone|everyone)\b",
        "one's": r"\bone's( own)?\b",
        "dated word": r"\b(anew|likewise|beside|meanwhile|hence|thereby|therein|once more|so that is)\b",
        "speaking program": (
            r"\b(told|tells|telling|says?|asked for|asks for|is asked|are asked|remembers|forgets?)\b|\banswers [2-5]\d\d\b"
        ),
        "standing thing": r"\b(stands?|standing|lies|hangs on)\b(?! for)",
        "metaphor": (
            r"\b(doors?|hands|by hand|rooms?|furniture|windows?|stories|a story)\b"
            r"|(?<!break-)(?<!break )\bglass\b|(?<!conflict )(?<!conflict-)\bwalls?\b|\bcommon ground\b"
        ),
        "first person": r"\b(we|our|ours|ourselves)\b|(?-i:\bus\b)",
        "history": r"\b(no longer|any more|first look|any longer|used to be|from now on|nowadays)\b",
    }.items()
}
CODE = re.compile(r"```.*?```|`[^`]*`|https?://\S+|\[[^\]]*\]\([^)]*\)|\|", re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n\s*[-*] |\n#+ ")
NOT_PROSE = re.compile(r"^(noqa|type: ignore|fmt:|isort:|ruff:|pragma|Catches:|!)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, and the file that contains it."""

    path: str
    text: str

    @property
    def hits(self) -> list[str]:
        """Names of the patterns that match."""
        return [name for name, pattern in PATTERNS.items() if pattern.search(self.text)]


def split_sentences(path: Path, text: str) -> Iterator[Sentence]:
    """Yield the sentences of a text, without code, links and table rules."""
    for part in SENTENCE_END.split(CODE.sub(" x ", text)):
        words = " ".join(part.split()).strip("-#* ")
        if len(words.split()) > 1:
            yield Sentence(str(path.relative_to(ROOT)), words)


def read_docstrings(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of docstrings, including those of attributes and constants."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield from split_sentences(path, node.value.value)


def read_comments(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of `#` comments; consecutive comment lines are one text."""
    lines: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ")
            lines[token.start[0]] = text.partition(" - ")[2] if NOT_PROSE.match(text) else text
    yield from split_sentences(path, join_consecutive_lines(lines))


def read_sql_comments(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of `--` comments and of COMMENT ON statements."""
    text = path.read_text()
    lines = {
        number: line.partition("--")[2].strip()
        for number, line in enumerate(text.splitlines())
        if "--" in line
    }
    yield from split_sentences(path, join_consecutive_lines(lines))
    for comment in re.findall(r"COMMENT ON [^;]*?\bIS\s+'((?:[^']|'')*)'", text):
        yield from split_sentences(path, comment.replace("''", "'"))


def join_consecutive_lines(lines: dict[int, str]) -> str:
    """Return the lines as text; a gap in the line numbers starts a new paragraph."""
    text = ""
    for number, line in sorted(lines.items()):
        text += ("\n" if number - 1 in lines else "\n\n") + line
    return text


def read_test_names(path: Path) -> Iterator[Sentence]:
    """Yield each test's name as a sentence."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield Sentence(str(path.relative_to(ROOT)), node.name.removeprefix("test_").replace("_", " "))


def read_messages(path: Path) -> Iterator[Sentence]:
    """Yield the string literals that are sentences: error details, command-line texts, log texts."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            text = node.value
            if re.match(r"[A-Z][^\n]*\s[^\n]*[.!:]$", text) and "SELECT " not in text:
                yield from split_sentences(path, text)


def read_markdown(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a page; each cell of a table is a sentence of its own."""
    yield from split_sentences(path, path.read_text().replace("|", "\n\n"))


def read_openapi(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of summaries, descriptions and titles."""

    def walk(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in {"summary", "description"} and isinstance(value, str):
                    yield value
                elif key not in {"example", "examples", "value"}:
                    yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    for text in sorted(set(walk(json.loads(path.read_text())))):
        yield from split_sentences(path, text)


def read_code_lists(path: Path) -> Iterator[Sentence]:
    """Yield the English titles and labels of a code list."""
    content = json.loads(path.read_text())
    for text in (content["title"]["en"], *(code["en"] for code in content["codes"])):
        yield from split_sentences(path, text)


Reader = Callable[[Path], Iterator[Sentence]]
PLACES: dict[str, list[tuple[str, Reader]]] = {
    "docstrings": [("app/**/*.py", read_docstrings), ("bench/**/*.py", read_docstrings)],
    "comments": [
        ("app/**/*.py", read_comments),
        ("bench/**/*.py", read_comments),
        ("alembic/**/*.py", read_comments),
    ],
    "messages": [("app/**/*.py", read_messages)],
    "sql comments": [("alembic/**/*.sql", read_sql_comments)],
    "test names": [("tests/**/*.py", read_test_names)],
    "test comments": [("tests/**/*.py", read_comments), ("tests/**/*.py", read_docstrings)],
    "code lists": [("app/schemas/code_lists/*.json", read_code_lists)],
    "openapi": [("openapi/openapi.json", read_openapi)],
    "readme and contributing": [("*.md", read_markdown)],
    "docs": [("docs/*.md", read_markdown), ("bench/*.md", read_markdown)],
    "decisions": [("docs/decisions/*.md", read_markdown)],
}


def read_place(place: str) -> list[Sentence]:
    """Return every sentence of a place."""
    return [
        sentence
        for pattern, reader in PLACES[place]
        for path in sorted(ROOT.glob(pattern))
        if path.name not in {"prose.py", "test_prose.py"}  # these hold the excluded words
        for sentence in reader(path)
    ]


def main() -> None:
    """Print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", metavar="PLACE", choices=PLACES, help="print the affected sentences")
    place_to_list = parser.parse_args().list
    for place in [place_to_list] if place_to_list else PLACES:
        sentences = read_place(place)
        affected = [sentence for sentence in sentences if sentence.hits]
        print(  # noqa: T201 - a command
            f"{place:24} {len(affected):5} of {len(sentences):6}  {100 * len(affected) / len(sentences):5.1f} %"
        )
        if place_to_list:
            for sentence in affected:
                print(f"  {sentence.path}: {', '.join(sentence.hits)}: {sentence.text}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
