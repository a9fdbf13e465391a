"""Settings: what is merged over what, and what a wrong one is told."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline import schema
from pipeline.schema import commented
from pipeline.settings import HEAD, Settings

HOME = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("settings", HOME / "workflow" / "settings.py")
settings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(settings)


def test_every_shipped_overlay_is_valid():
    for path in (HOME / "config").glob("*.yaml"):
        if path.name != "config.yaml":
            settings.settings(path.stem, {})


def test_a_name_without_overlay_gets_the_defaults():
    defaults = yaml.safe_load((HOME / "config" / "config.yaml").read_text())
    assert settings.settings("anything", {}) == defaults


def test_the_shipped_defaults_are_what_the_settings_say():
    """./setup python -m pipeline.settings > config/config.yaml"""
    assert (HOME / "config" / "config.yaml").read_text() == commented(Settings(), HEAD) + "\n"


def test_settings_are_light():
    """Every start of snakemake reads them."""
    heavy = ("torch", "numba", "lightning", "scipy", "pandas", "h5py", "skfem")
    code = f"import sys, pipeline.settings; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def numbers(section, path=""):
    """Every key that may hold a number."""
    for field in schema.fields(section):
        where = f"{path}{field.name}"
        if field.key.kinds:
            for kind, inner in field.key.kinds.items():
                yield from numbers(inner, f"{where}.{kind}.")
        elif isinstance(field.default, schema.Section):
            yield from numbers(field.default, f"{where}.")
        elif re.search(r"\b(int|float)\b", str(field.type)):
            yield where, field.key


def test_every_number_is_bounded_on_both_sides():
    found = dict(numbers(Settings()))
    assert len(found) > 60
    for where, said in found.items():
        assert said.least is not None or said.above is not None, where
        assert said.most is not None or said.below is not None, where


def test_the_command_line_wins_over_the_overlay_over_the_defaults():
    # Snakemake hands on what stands inside braces as text.
    texts = {"train": {"steps": "300", "max_minutes": "null"}, "rollout": {"frames": "201"}}
    chosen = settings.settings("colloids", {"video": {"fps": 40}} | texts)
    assert (chosen["train"]["steps"], chosen["train"]["max_minutes"]) == (300, None)
    assert chosen["rollout"]["frames"] == 201
    assert chosen["video"]["fps"] == 40
    assert chosen["video"]["mpp"] == 0.68
    assert chosen["video"]["pixel_aspect"] == 1.0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"video": {"pixel_size": 1}}, "video.pixel_size is not a setting: did you mean mpp?"),
        ({"video": {"Frame Rate": 1}}, "video.Frame Rate is not a setting: did you mean fps?"),
        ({"detct": {}}, "detct is not a setting: did you mean detect?"),
        ({"detect": {"diametre": 9}}, "detect.diametre is not a setting: did you mean diameter?"),
        ({"detect": {"diameter": 8}}, "detect.diameter (an odd number of pixels): must be odd"),
        ({"detect": {"diameter": "big"}}, "must be an integer or null, got 'big'"),
        ({"video": {"mpp": -1}}, "video.mpp (micrometres per pixel): must be above 1e-06, got -1"),
        ({"models": ["gnn"]}, "models.0: must be one of metriplectic"),
        ({"split": {"train": 0.8, "validation": 0.3}}, "must leave room for the test block"),
        ({"video": {"frames": [10, 5]}}, "last > first, got [10, 5]"),
        ({"video": {"crop": [10, 0, 5, 9]}}, "x1 > x0"),
        ({"seeds": 0}, "seeds: must be at least 1, got 0"),
    ],
)
def test_a_wrong_setting_is_refused_in_a_sentence(given, sentence):
    with pytest.raises(settings.SettingsError) as refusal:
        settings.settings("colloids", given)
    assert sentence in str(refusal.value)
    assert "\n  " in str(refusal.value)


@pytest.mark.parametrize("name", ["a b", "$(rm)", "../up", "<img>", ".hidden", ""])
def test_a_name_a_shell_or_a_page_could_trip_over_is_refused(name):
    with pytest.raises(settings.SettingsError, match="rename the folder"):
        settings.settings(name, {})


def test_broken_yaml_is_named(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_text("video: [")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(settings.SettingsError, match=r"mine\.yaml is not valid YAML"):
        settings.settings("mine", {})
