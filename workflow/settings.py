"""The settings of a data set: defaults, its overlay, the command line; checked before any work.

Precedence: config/config.yaml < config/<name>.yaml < its section `full` where size is full <
--configfile and --config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.files import noted
from pipeline.schema import Refused, Section, fields, plain, problems, read, schema
from pipeline.settings import Settings

HOME = Path(__file__).resolve().parent.parent
# Letters that mean nothing to a shell, a file system or a web page.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class SettingsError(ValueError):
    """A setting that cannot be used, said in a sentence."""


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the entries of ``over`` put in, mappings merged key by key."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


@cache
def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise SettingsError(f"{path} is not valid YAML{where}: {problem}.") from error
    if content is not None and not isinstance(content, dict):
        raise SettingsError(f"{path} must hold keys and values, got {type(content).__name__}.")
    return content or {}


def overlay(name: str) -> Path | None:
    """The file with the settings of one data set: in the working directory, else shipped.

    What is shipped for a simulated data set says nothing about files that a user lays into a
    folder of that name: they get the defaults.

    Raises:
        SettingsError: if the working directory is that of the workflow, where the shipped file and
            a file of the user's could not be told apart.
    """
    own, shipped = (home / "config" / f"{name}.yaml" for home in (Path.cwd(), HOME))
    if own.exists() and not own.samefile(shipped if shipped.exists() else HOME):
        return own
    if not shipped.exists():
        return None
    if _simulated(_load(shipped)) and _filled(Path("data") / name):
        if own.exists():
            raise SettingsError(
                f"{own} describes the simulated data set {name!r}, and data/{name}/ holds files of "
                f"yours, of which it knows nothing: rename the folder, or write your own settings "
                f"into {own}, without simulate and truth_of."
            )
        return None
    return shipped


def set_aside(name: str) -> Path | None:
    """What is shipped under this name and not used, since there are files of the user's."""
    shipped = HOME / "config" / f"{name}.yaml"
    return shipped if shipped.exists() and overlay(name) is None else None


def _simulated(content: Mapping[str, Any]) -> bool:
    """Whether an overlay is of a data set that the workflow makes itself."""
    trajectory = content.get("trajectory")
    truth = isinstance(trajectory, Mapping) and trajectory.get("truth_of") is not None
    return truth or content.get("simulate") is not None


def _filled(folder: Path) -> bool:
    try:
        return any(path.name[0] != "." and not noted(path) for path in folder.iterdir())
    except OSError:
        return False


def settings(name: str, command_line: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of data set ``name``, checked against the schema.

    Raises:
        SettingsError: with one sentence per wrong key or value.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"The data set name {name!r} may hold letters, digits, '_', '-' and '.' only: rename "
            f"the folder under data/."
        )
    command_line = typed(command_line)
    layers = [HOME / "config" / "config.yaml"]
    if (path := overlay(name)) is not None:
        layers.append(path)
    merged: dict[str, Any] = plain(Settings())
    for path in layers:
        merged = merge(merged, _load(path))
    full = merged.pop("full", None) or {}
    if {**merged, **command_line}.get("size") == "full":
        merged = merge(merged, full)
    merged = merge(merged, command_line)
    if wrong := [*_problems(merged)]:
        source = " and ".join(str(path) for path in layers[1:] or layers)
        where = f"{source}{' and the command line' if command_line else ''}"
        raise SettingsError("\n  ".join([f"Settings of {name!r} ({where}):", *wrong]))
    checked: dict[str, Any] = plain(read(Settings, merged))
    return checked


def typed(value: Any) -> Any:
    """What the command line means: snakemake leaves values inside `--config a={b: 2}` as text."""
    if isinstance(value, Mapping):
        return {key: typed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [typed(part) for part in value]
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:  # text it is, then
        return value


def _problems(merged: Mapping[str, Any]) -> Iterator[str]:
    """Every key that is unknown or out of bounds, then what does not go together elsewhere."""
    yield from problems(schema(Settings), merged)
    for field in fields(Settings()):
        section, given = field.default, merged.get(field.name)
        if isinstance(section, Section) and not any(problems(schema(type(section)), given)):
            try:
                read(section, given)
            except Refused as refused:
                yield from refused.sentences
