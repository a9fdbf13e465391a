"""Sphinx settings: ./setup sphinx-build -W docs docs/_build, then open docs/_build/index.html."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

release = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]["version"]
project = "metriplex"
copyright = "the metriplex authors"
extensions = ["myst_parser", "mathml", "settings_reference", "modules_reference"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"metriplex {release}"
html_static_path = ["static"]
html_css_files = ["equations.css"]
html_copy_source = False
html_show_sourcelink = False
# Equations become MathML, which browsers draw themselves: MathJax would be fetched from a network.
html_math_renderer = "mathml"
