"""Data sets by name: which there are, whose files they hold, and which may refer to which."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import settings as settings_file

from pipeline.errors import InputError
from pipeline.files import data_files
from pipeline.imported.sources import recorded, tables
from pipeline.simulate.systems import FILMS

# Names of results/ that are no data sets, and of config/.
RESERVED = {
    "paper": "the page that compares with the paper",
    "questions": "the page of the paper's open questions",
    "logs": "logs of the list of reports",
    "index.html": "the list of reports",
    "config": "the defaults, config/config.yaml",
}
# Of these the settings have a section of that name, which says what data sets they compare.
PAGES = ("paper", "questions")
Settings = dict[str, Any]


def files(name: str) -> list[Path]:
    """The user's files of a data set, in natural order, without notes.

    Raises:
        InputError: if they cannot be read, or the name is one that the workflow uses itself.
    """
    folder = Path("data") / name
    if folder.is_file():
        raise InputError(f"{folder} is a file: put it into a folder of its own, data/<name>/.")
    found = data_files(folder) if folder.is_dir() else []
    if found and name in RESERVED:
        raise InputError(
            f"{folder}/ cannot be a data set, for results/{name} is {RESERVED[name]}: rename it."
        )
    return found


def check_one_kind(
    name: str, trajectories: list[Path], films: Collection[str], found: list[Path]
) -> None:
    """Refuses trajectories and videos, or tables of tracks, in one data set."""
    if table := next(iter(tables(found)), None):
        raise InputError(
            f"data/{name}/ holds a trajectory ({trajectories[0].name}) and a table of tracks "
            f"({table.name}): put them into folders of their own under data/."
        )
    film = next((path for path in found if path.suffix.lower() in films), None)
    if film is not None:
        raise InputError(
            f"data/{name}/ holds a trajectory ({trajectories[0].name}) and a video ({film.name}): "
            f"put them into folders of their own under data/."
        )


def known() -> list[str]:
    """The data sets there are: folders with files under data/, and those that config describes."""
    homes = {Path.cwd(), settings_file.HOME}
    described = {path.stem for home in homes for path in (home / "config").glob("*.yaml")}
    try:
        folders = {path.name for path in Path("data").iterdir() if path.is_dir()}
    except OSError:
        folders = set()
    valid = filter(settings_file.NAME.fullmatch, described | folders)
    return sorted(set(valid) - set(RESERVED))


def nothing(name: str) -> str:
    """The sentence for a data set of which there is neither a file nor a simulation."""
    there = known()
    others = [other for other in there if other != name]
    close = difflib.get_close_matches(name, others, n=1, cutoff=0.6)
    loose = [path.name for path in Path("data").glob("*.*") if path.is_file() and path.stem == name]
    hint = f" {close[0]!r} is there: was it meant?" if close else ""
    hint += f" data/{loose[0]} lies beside the folders: move it into one." if loose else ""
    return (
        f"There is no video for {name!r}: put one into data/{name}/ (TIFF stack, image sequence, "
        f"avi, mp4, mov, nd2), or ask for one that is there, such as results/colloids/report.html "
        f"(of {', '.join(there)}).{hint}"
    )


def dated(name: str) -> Iterator[Path]:
    """What snakemake compares the dates of: the folder of the data and the files made from it."""
    yield Path("data") / name
    yield from _made(name)


def _made(name: str) -> Iterator[Path]:
    """What lies in the results of a data set, without hidden and nameless things; what a stage
    takes away meanwhile is passed over."""
    for place, folders, files in os.walk(Path("results", name)):
        yield from (Path(place, inner) for inner in (*folders, *files) if "." in inner[1:])


# Of results/<name>/, beside one folder per model.
FOLDERS = ("logs", "benchmarks", "figures", "statistics", "features", "lammps", "synthetic")
FOLDERS += ("replicas",)
ENDINGS = {".html", ".json", ".h5", ".csv", ".parquet", ".tif", ".yaml", ".safetensors"}


def check_places(name: str, models: Iterable[str]) -> None:
    """Refuses what lies where the workflow writes, and hinders it.

    Raises:
        InputError: for a file or a link to nowhere in place of a folder, a folder in place of a
            file, and a folder that may not be written to.
    """
    home = Path("results", name)
    for path in (home.parent, home, *(home / inner for inner in (*FOLDERS, *models))):
        if os.path.lexists(path) and not path.is_dir():
            raise InputError(f"{path} is no folder, and results belong into it: take it away.")
        if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
            raise InputError(f"You may not write to {path}: change its permissions.")
    for path in _made(name):
        if path.suffix in ENDINGS and path.is_dir():
            raise InputError(f"{path} is a folder, and a file belongs there: take it away.")


def check(name: str, chosen: Settings, of: Callable[[str], Settings]) -> None:
    """Refuses settings of a data set that refer to others which have nothing to do with it.

    Args:
        name: the data set.
        chosen: its settings.
        of: settings of another data set, by name.

    Raises:
        InputError: naming the key, its value, and what it should be.
    """
    if name in RESERVED and name not in PAGES:
        raise InputError(f"{name!r} is no name for a data set: it is {RESERVED[name]}.")
    references = {
        "trajectory.truth_of": chosen["trajectory"]["truth_of"],
        "models_of": chosen["models_of"],
        "report.twin": chosen["report"]["twin"],
    }
    for key, other in references.items():
        if other is not None:
            _check_name(name, key, other)
    if (truth := references["trajectory.truth_of"]) is not None:
        _check_truth(name, truth, of(truth))
    if (models := references["models_of"]) is not None:
        _check_models(name, chosen, models, of(models))
    if name in PAGES:
        for key, others in chosen[name].items():
            for other in others:
                _check_name(name, f"{name}.{key}", other)


def _check_name(name: str, key: str, other: Any) -> None:
    if not isinstance(other, str) or not settings_file.NAME.fullmatch(other) or other in RESERVED:
        raise InputError(f"{key} of {name!r} must be the name of a data set, got {other!r}.")
    if other == name:
        raise InputError(f"{key} of {name!r} names itself: leave it out, or name another one.")
    if other not in (there := known()):
        close = difflib.get_close_matches(other, there, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(there)}."
        raise InputError(f"{key} of {name!r} is {other!r}, which is no data set: {hint}")


def _check_truth(name: str, other: str, its: Settings) -> None:
    simulated = its["simulate"] is not None and its["simulate"].get("kind") in FILMS
    if not simulated or files(other):
        raise InputError(
            f"trajectory.truth_of of {name!r} is {other!r}, whose video is not simulated: true "
            f"positions are known of simulated videos only (simulate.kind {' or '.join(FILMS)})."
        )
    if files(name):
        raise InputError(
            f"data/{name}/ holds files of yours and trajectory.truth_of says {other!r}: true "
            f"positions of a simulation say nothing about them; leave truth_of out."
        )


def _check_models(name: str, chosen: Settings, other: str, its: Settings) -> None:
    if its["models_of"] is not None:
        raise InputError(
            f"models_of of {name!r} is {other!r}, which has no models of its own but those of "
            f"{its['models_of']!r}: name that one."
        )
    ours, theirs = _units(name, chosen), _units(other, its)
    if ours and theirs and ours != theirs:
        raise InputError(
            f"models_of of {name!r} is {other!r}, which has nothing to do with it: it is "
            f"{theirs}, and {name!r} is {ours}; give both the same scale (video.mpp, video.fps), "
            f"or learn from {name!r} itself."
        )


def _units(name: str, chosen: Settings) -> str:
    """In which units a data set is, as far as its settings tell; "" where its files do."""
    simulate = chosen["simulate"]
    own = files(name)
    if not own and simulate is not None and simulate.get("kind") not in FILMS:
        return "simulated in reduced units"
    if recorded(own):
        return ""
    scale = chosen["video"]
    return f"measured in {'um' if scale['mpp'] else 'px'} and {'s' if scale['fps'] else 'frames'}"
