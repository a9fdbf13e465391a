"""The folder of one data set, read file by file; what is not there becomes a sentence."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml

from pipeline import h5md
from pipeline.errors import InputError
from pipeline.files import read_json
from pipeline.hdf5 import opened
from pipeline.settings import Settings
from pipeline.tables import READ
from pipeline.trajectory import Trajectory


class Absent(InputError):
    """Something a figure needs is not there; the message is the sentence the reader sees."""


class Group(NamedTuple):
    """One group of an HDF5 file: `data` name -> array, `attrs` name -> value."""

    data: dict[str, np.ndarray]
    attrs: dict[str, Any]

    def get(self, name: str) -> np.ndarray:
        """The dataset `name`. Raises Absent where the group lacks it."""
        if name not in self.data:
            raise Absent(f"The quantity “{name}” was not stored, so this is not shown.")
        return self.data[name]


class Run(NamedTuple):
    """One trained model: name, seed, its folder, and the name of its statistics."""

    model: str
    seed: int
    folder: str

    @property
    def source(self) -> str:
        return f"{self.model}_seed{self.seed}"


def plain(value: Any) -> Any:
    """An HDF5 attribute as a plain Python value (bytes to text, scalars to int, float, bool)."""
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


def mapping(content: Any) -> dict[str, Any]:
    """What a file of keys and values holds.

    Raises:
        TypeError: if it holds anything else.
    """
    if not isinstance(content, dict):
        raise TypeError("it does not hold keys and values")
    return content


PRINTED = {"um": "µm", "px": "px", "s": "s", "frame": "frames", "1": ""}


def singular(unit: str) -> str:
    """What a rate is per: "frames" -> "frame", "s" -> "s"."""
    return "frame" if unit == "frames" else unit


class Results:
    """Lazy access to results/<name>/; every method raises Absent rather than OSError."""

    def __init__(self, folder: str | os.PathLike[str], settings: Settings | None = None):
        self.folder = Path(folder)
        self.settings = settings or Settings()
        self.order = settings.models if settings else ()  # of the models; empty: all there are

    def path(self, name: str) -> Path:
        """The file `name`, of the data set the models come from where this one has none of its own.

        Raises Absent where it does not exist.
        """
        origin = self.settings.models_of
        folders = [self.folder, self.folder.parent / origin] if origin else [self.folder]
        for folder in folders[: 2 if "/seed" in name else 1]:
            if (folder / name).is_file():
                return folder / name
        raise Absent(f"The file {name} is missing from the results.")

    def _read(self, name: str, reader: Any) -> Any:
        path = self.path(name)
        try:
            return reader(path)
        except (OSError, ValueError, LookupError, TypeError, RuntimeError, yaml.YAMLError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Absent(f"The file {name} could not be read ({reason}).") from error

    @cache  # noqa: B019  (one short-lived object per report)
    def json(self, name: str) -> dict[str, Any]:
        return self._read(name, lambda path: mapping(read_json(path, "a file of this workflow")))

    @cache  # noqa: B019
    def yaml(self, name: str) -> dict[str, Any]:
        return self._read(name, lambda path: mapping(yaml.safe_load(path.read_text())))

    @cache  # noqa: B019
    def csv(self, name: str) -> pd.DataFrame:
        return self._read(name, pd.read_csv)

    @cache  # noqa: B019
    def columns(self, name: str, *columns: str) -> pd.DataFrame:
        """Columns of a parquet file; the whole of it may be large."""
        return self._read(name, lambda path: pd.read_parquet(path, columns=list(columns), **READ))

    def frame(self, name: str, frame: int, run: int) -> pd.DataFrame:
        """The rows of one frame of a parquet file."""
        rows = [("frame", "==", frame), ("run", "==", run)]
        return self._read(name, lambda path: pd.read_parquet(path, filters=rows, **READ))

    @property
    def tracked(self) -> bool:
        """Whether there is a video: the data is neither a simulation's trajectory nor imported."""
        try:
            attributes = self.trajectory().attributes
        except Absent:
            return True
        return "replica" not in attributes and "files" not in attributes

    @cache  # noqa: B019
    def trajectory(self, name: str = "trajectory.h5") -> Trajectory:
        """Left in its file, see `h5md.on_disk`: a page shows little of a long film."""
        return self._read(name, h5md.on_disk)

    @cache  # noqa: B019
    def group(self, name: str, group: str = "/") -> Group:
        """Datasets and attributes of one group; a group that says `missing` raises its reason."""

        def reader(path: Path) -> Group | None:
            with opened(path, "a file of this workflow") as file:
                if group not in file:
                    return None
                node = file[group]
                data = {key: item[()] for key, item in node.items() if hasattr(item, "shape")}
                return Group(data, {key: plain(value) for key, value in node.attrs.items()})

        found = self._read(name, reader)
        if found is None:
            raise Absent(f"The file {name} holds no “{group.strip('/')}”.")
        if found.attrs.get("missing"):
            raise Absent(str(found.attrs["missing"]))
        return found

    def observables(self, run: Run) -> Group:
        """What was logged along a rollout."""
        return self.group(f"{run.folder}/rollout.h5", "observables")

    def statistic(self, source: str, group: str) -> Group:
        """A group of statistics/<source>.h5."""
        return self.group(f"statistics/{source}.h5", group)

    def statistics(self, group: str) -> dict[str, Group]:
        """Every source that has this statistic. Raises the first reason where none has."""
        found, reasons = {}, []
        for source in self.sources:
            try:
                found[source] = self.statistic(source, group)
            except Absent as absent:
                reasons.append(absent)
        if not found:
            raise reasons[0] if reasons else Absent("No statistics were computed for this data.")
        return found

    def lacking(self, group: str) -> str:
        """A sentence on the sources that have no such statistic and why, "" where all have it."""
        said = []
        for source in self.sources:
            try:
                self.statistic(source, group)
            except Absent as absent:
                name = source.replace("_seed", ", seed ")
                said.append(f" Not shown: {name}. {self.rollout(source)[1] or absent}")
        return "".join(said)

    def rollout(self, source: str) -> tuple[int | None, str]:
        """Snapshots of the rollout behind a source, and why it stopped early ("" if it did not);
        None where there is no rollout."""
        for run in self.runs:
            if run.source == source:
                with suppress(Absent):
                    found = self.observables(run)
                    return len(found.get("time")), str(found.attrs.get("stopped", ""))
        return None, ""

    @cached_property
    def runs(self) -> list[Run]:
        """Trained models, in the order of the settings, then by name and seed."""
        order = self.order
        found = []
        for path in self.folder.glob("*/seed*"):
            seed = path.name.removeprefix("seed")
            if path.is_dir() and seed.isdigit() and (not order or path.parent.name in order):
                folder = path.relative_to(self.folder).as_posix()
                found.append(Run(path.parent.name, int(seed), folder))
        rank = {model: k for k, model in enumerate(order)}
        return sorted(found, key=lambda run: (rank.get(run.model, 99), run.model, run.seed))

    @property
    def first(self) -> Run:
        """The run the verdict speaks of: the first model's first seed."""
        if not self.runs:
            raise Absent("No model was trained on this data, so this is not shown.")
        return self.runs[0]

    @cached_property
    def sources(self) -> list[str]:
        """Names of statistics/*.h5 files: experiment, truth, then the runs."""
        wanted = ["experiment", "truth", *(run.source for run in self.runs)]
        return [s for s in wanted if (self.folder / "statistics" / f"{s}.h5").is_file()]

    @property
    def replicas(self) -> list[str]:
        """Names of the statistics of further independent simulations."""
        found = (self.folder / "statistics").glob("replica*.h5")
        return sorted((path.stem for path in found), key=lambda name: int(name[len("replica") :]))

    def unit(self, quantity: str) -> str:
        """The printed unit of "length" or "time"; "" for reduced units or where unknown."""
        try:
            attributes = self.trajectory().attributes
        except Absent:
            return ""
        unit = str(attributes.get(f"{quantity}_unit", "1"))
        return PRINTED.get(unit, unit)
