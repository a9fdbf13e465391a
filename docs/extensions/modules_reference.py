"""The map of the package: what each module says of itself, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

PACKAGE = Path(__file__).resolve().parents[2] / "pipeline"
PLACE = "<!-- modules -->"
PLAIN = str.maketrans({mark: f"\\{mark}" for mark in "<>*$|_"})  # not for Markdown to read


def first_sentence(node: ast.Module) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


def public(node: ast.Module) -> list[str]:
    """Names of the functions and classes that a module offers."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [part.name for part in node.body if isinstance(part, kinds) and part.name[0] != "_"]


def rows(folder: Path) -> Iterator[str]:
    """A row per module of a package."""
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            tree = ast.parse(path.read_text())
            offered = ", ".join(f"`{name}`" for name in public(tree))
            yield f"| `{path.name}` | {first_sentence(tree).translate(PLAIN)} | {offered} |"


def markdown(package: Path = PACKAGE) -> str:
    """A heading and a table per package."""
    folders = [path.parent for path in sorted(package.rglob("__init__.py"))]
    lines: list[str] = []
    for folder in folders:
        said = first_sentence(ast.parse((folder / "__init__.py").read_text()))
        name = folder.relative_to(package.parent).as_posix()
        lines += [f"## `{name}`", "", said.translate(PLAIN), ""]
        lines += ["| module | what | offers |", "|---|---|---|", *rows(folder), ""]
    return "\n".join(lines)


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Puts the map where a page has the mark for it."""
    if PLACE in source[0]:
        app.env.note_reread()
        source[0] = source[0].replace(PLACE, markdown())


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
