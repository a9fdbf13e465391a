"""The modules beside the Snakefile, which no package holds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
for place in (HOME / "workflow", HOME / "workflow" / "scripts"):
    if str(place) not in sys.path:
        sys.path.append(str(place))

console = importlib.import_module("console")
datasets = importlib.import_module("datasets")
failures = importlib.import_module("failures")
settings = importlib.import_module("settings")
targets = importlib.import_module("targets")
