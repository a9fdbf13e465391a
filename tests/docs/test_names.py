"""What the pages point at is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def test_every_path_that_is_named_exists() -> None:
    sources = [*HOME.glob("docs/**/*.md"), HOME / "README.md"]
    named = {
        (page.name, path)
        for page in sources
        for path in re.findall(r"`((?:pipeline|tests|workflow)/[\w./]+)`", page.read_text())
    }
    assert named
    assert not [(page, path) for page, path in named if not (HOME / path).exists()]


def test_every_module_says_what_it_is() -> None:
    files = sorted((HOME / "pipeline").rglob("*.py"))
    silent = [path.name for path in files if not ast.get_docstring(ast.parse(path.read_text()))]
    assert len(files) > 100
    assert not silent


def test_every_link_of_the_front_pages_leads_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        links = re.findall(r"\]\(([^)#\s]+)", (HOME / name).read_text())
        here = [link for link in links if "://" not in link]
        assert not [(name, link) for link in here if not (HOME / link).exists()]


def test_the_changes_of_this_version_are_told() -> None:
    version = re.search(r'^version = "(.+)"', (HOME / "pyproject.toml").read_text(), re.M)
    told = re.findall(r"^## ([\w.]+)", (HOME / "CHANGELOG.md").read_text(), re.M)
    assert version
    assert version[1] == told[0]
