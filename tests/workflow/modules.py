"""The modules beside the Snakefile, which no package holds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
if str(HOME / "workflow") not in sys.path:
    sys.path.append(str(HOME / "workflow"))

datasets = importlib.import_module("datasets")
failures = importlib.import_module("failures")
settings = importlib.import_module("settings")
targets = importlib.import_module("targets")
