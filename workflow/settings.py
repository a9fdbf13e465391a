"""The settings of a data set: defaults, its overlay, the command line; checked before any work.

Precedence: config/config.yaml < config/<name>.yaml < its section `full` where size is full <
--configfile and --config.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import InputError
from pipeline.files import noted
from pipeline.schema import Refused, fields, plain, read, schema, value_of
from pipeline.setting_errors import problems
from pipeline.settings import Settings

HOME = Path(__file__).resolve().parent.parent
# Letters that mean nothing to a shell, a file system or a web page.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

# What the reader of YAML says, and what whoever wrote the file did.
SLIPS = {
    "'\\t'": "it holds a tab: use blanks",
    "cannot start any token": "a text that begins with such a mark belongs in quotes",
    "mapping values are not allowed": "there is a second colon behind one: put a blank behind "
    "every colon, begin the keys of a section equally far in, and put a text with a colon in it "
    "into quotes",
    "expected <block end>": "it does not go on from the lines above: begin the keys of a section "
    "equally far in, each as `key: value`",
    "could not find expected ':'": "a key above has no colon and blank behind it",
    "expected ',' or ']'": "the [ there is not closed by a ]",
    "expected ',' or '}'": "the { there is not closed by a }",
    "unexpected end of stream": "the quotation mark there is not closed",
    "another document": "the line of dashes begins a second document: keep one",
}
UNSEEN = re.compile("[\u00a0\u2000-\u200f\u202f\u2060\u3000]")  # blanks of other kinds
QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
LARGEST = 200_000  # characters of a file; all settings with their comments have 12 000
DEEPEST = 20  # lists and mappings inside each other


class SettingsError(InputError):
    """A setting that cannot be used, said in a sentence."""


class Unclear(ValueError):
    """A text that is not read, in a sentence without its subject."""


class Loader(yaml.SafeLoader):
    """Strict about keys; numbers are decimal, and what only looks like one stays text.

    YAML 1.1 reads 011 as nine, 1:30 as ninety and 1e-3 as text; a key that is given twice counts
    once, in silence.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuses a key that is given twice, or is not a word."""
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise Unclear(f"has a key in line {line} that is no word: {key!r}")
            if key in seen:
                raise Unclear(f"says {key!r} twice, in lines {seen[key]} and {line}: keep one")
            seen[key] = line
        return super().construct_mapping(node, deep=True)


Loader.add_constructor(
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG,
    lambda loader, node: loader.construct_mapping(node),
)
KEPT = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"}
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in KEPT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9_]*)$"), list("-+0123456789")
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"""[-+]?(([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+
        |\.(inf|Inf|INF))$|\.(nan|NaN|NAN)$""",
        re.VERBOSE,
    ),
    list("-+0123456789."),
)


def loaded(text: str) -> Any:
    """What a text says.

    Raises:
        Unclear: if it is no YAML, too long, too deep, or repeats itself.
    """
    if len(text) > LARGEST:
        raise Unclear(f"has more than {LARGEST} characters: is it a config file?")
    for number, line in enumerate(text.splitlines(), 1):
        if found := UNSEEN.search(QUOTED.sub("", line).partition("#")[0]):
            code = ord(found[0])
            raise Unclear(f"has an invisible letter (U+{code:04X}) in line {number}: use blanks")
    try:
        _bound(text)
        return yaml.load(text, Loader)
    except Unclear:
        raise
    except ValueError as error:  # of a number that is none to Python
        raise Unclear(f"holds a number that cannot be read: {error}") from error
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        open_ended = problem.startswith("expected ','") or "end of stream" in problem
        mark = getattr(error, "context_mark" if open_ended else "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = next((said for words, said in SLIPS.items() if words in problem), problem)
        raise Unclear(f"is not valid YAML{where}: {problem}") from error


def _bound(text: str) -> None:
    """Refuses nesting, references and types by name before anything is built of them.

    A few lines of anchors would unfold into gigabytes.
    """
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise Unclear(f"refers to another place (*{event.anchor}) in line {line}: write it out")
        if tag := getattr(event, "tag", None):
            raise Unclear(f"has the tag {tag} in line {line}: write the plain value")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Unclear(f"is nested more than {DEEPEST} deep in line {line}")


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
        # A pipe would be waited for, and a device may have no end.
        if path.exists() and not path.is_file():
            raise SettingsError(f"{path} is no file: put a text in its place.")
        with path.open(encoding="utf-8") as file:
            content = loaded(file.read(LARGEST + 1))
    except Unclear as unclear:
        raise SettingsError(f"{path} {unclear}.") from unclear
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path} is not text in UTF-8 (byte {error.start}): save it as such."
        ) from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    if content is not None and not isinstance(content, dict):
        kind = "a list: take the dashes away" if isinstance(content, list) else repr(content)[:60]
        raise SettingsError(f"{path} must hold keys and values (`key: value`), got {kind}.")
    return content or {}


def overlay(name: str) -> Path | None:
    """The file with the settings of one data set: in the working directory, else shipped.

    What is shipped for a simulated data set says nothing about files that a user lays into a
    folder of that name: they get the defaults.

    Raises:
        SettingsError: if the working directory is that of the workflow and the file is not known to
            be the shipped one: then it is the user's, and contradicts the folder.
    """
    own, shipped = (home / "config" / f"{name}.yaml" for home in (Path.cwd(), HOME))
    # A link that leads nowhere is a file that cannot be read, not one that is not there.
    if os.path.lexists(own) and not (own.exists() and shipped.exists() and own.samefile(shipped)):
        return own
    if not shipped.exists():
        return None
    if _simulated(_load(shipped)) and _filled(Path("data") / name):
        if own.exists() and not _as_shipped(shipped):
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


def _as_shipped(path: Path) -> bool:
    """Whether git knows a file of the workflow, and nobody edited it; False without git."""
    relative = path.relative_to(HOME).as_posix()
    asked = (["ls-files", "--error-unmatch", relative], ["diff", "--quiet", "HEAD", "--", relative])
    try:
        return all(
            subprocess.run(
                ["git", "-C", str(HOME), *words], capture_output=True, timeout=20, check=False
            ).returncode
            == 0
            for words in asked
        )
    except (OSError, subprocess.SubprocessError):
        return False


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
            f"The data set name {name[:120]!r} may hold letters, digits, '_', '-' and '.' only, "
            f"up to 100 of them: rename the folder under data/."
        )
    command_line = typed(command_line)
    layers = [HOME / "config" / "config.yaml"]
    if (path := overlay(name)) is not None:
        layers.append(path)
    merged: dict[str, Any] = plain(Settings())
    for path in layers:
        merged = merge(merged, _load(path))
    full = merged.pop("full", None)
    small = merge(merged, command_line)
    large = merge(merge(merged, full), command_line) if isinstance(full, Mapping) else small
    asked, other = (large, small) if small.get("size") == "full" else (small, large)
    wrong = [*_problems(asked)]
    if full is not None and not isinstance(full, Mapping):
        wrong.append(f"full must hold keys and values, got {full!r}.")
    # A mistake is told at once, not when the other size is asked for.
    if wrong := wrong or [*_problems(other)]:
        source = " and ".join(str(path) for path in layers[1:] or layers)
        where = f"{source}{' and the command line' if command_line else ''}"
        raise SettingsError("\n  ".join([f"Settings of {name!r} ({where}):", *wrong]))
    checked: dict[str, Any] = plain(read(Settings, asked))
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
        return loaded(value)
    except Unclear as unclear:
        raise SettingsError(f"The command line's {value[:60]!r} {unclear}.") from unclear


def _problems(merged: Mapping[str, Any]) -> Iterator[str]:
    """Every key that is unknown or out of bounds, then what does not go together elsewhere."""
    rules = schema(Settings)
    yield from problems(rules, merged)
    for field in fields(Settings):
        given = merged.get(field.name)
        if isinstance(given, Mapping) and not any(problems(rules["properties"][field.name], given)):
            try:
                value_of(field, given)
            except Refused as refused:
                yield from refused.sentences
