"""The modules of the application, parsed."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCES = {
    path.relative_to(ROOT): ast.parse(path.read_bytes()) for path in sorted((ROOT / "app").rglob("*.py"))
}
