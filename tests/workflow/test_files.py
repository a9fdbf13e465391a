"""The reference of files says what the workflow writes: no name too few, none too many."""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path

import h5py
import pandas as pd
import pytest
import yaml

from pipeline.hdf5 import SEAL

pytestmark = pytest.mark.slow
HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "reference" / "files.md").read_text()


def told(heading: str, table: int = 0) -> tuple[set[str], set[str]]:
    """Names in the first column of a table below a heading: all of them, and those that must be.

    An attribute stands as @name; rows marked as optional need not be.
    """
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    body = section[1] if heading else PAGE.split("\n## ")[0]
    rows = re.findall(r"((?:^\|.*\n)+)", body, re.M)[table].splitlines()[2:]
    every, needed = set(), set()
    for row in rows:
        cell = row.split("|")[1]
        names = {
            ("@" if mark else "") + name
            for mark, name in re.findall(r"(attribute )?`([^`]+)`", cell)
        }
        every |= names
        needed |= set() if "(optional)" in cell else names
    return every, needed


def agree(found: set[str], heading: str, table: int = 0) -> None:
    every, needed = told(heading, table)
    assert not found - every, f"not in the reference, {heading}"
    assert not needed - found, f"in the reference only, {heading}"


def contents(path: Path) -> set[str]:
    """Data sets and attributes (@name) of an HDF5 file."""
    names: set[str] = set()

    def note(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset):
            names.add(name)
        else:
            names.update(f"@{name}/{key}" for key in node.attrs)

    with h5py.File(path) as file:
        names.update(f"@{key}" for key in file.attrs if key != SEAL)
        file.visititems(note)
    return names


def test_every_file_is_in_the_list(finished: Path) -> None:
    section = PAGE.split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([^`]+)`(.*)", section, re.M))
    paths = [path for path in finished.rglob("*") if path.is_file() and path.name[0] != "."]
    files = [str(path.relative_to(finished)) for path in paths]
    assert not [f for f in files if not any(fnmatch.fnmatch(f, pattern) for pattern in rows)]
    always = [pattern for pattern, row in rows.items() if not re.search("only|optional", row)]
    assert not [pattern for pattern in always if not fnmatch.filter(files, pattern)]


@pytest.mark.parametrize("name", ["features.parquet", "tracks.parquet"])
def test_tables(finished: Path, name: str) -> None:
    agree(set(pd.read_parquet(finished / name).columns), f"`{name}`")


@pytest.mark.parametrize("name", ["trajectory.h5", "metriplectic/seed0/rollout.h5"])
def test_trajectories(finished: Path, name: str) -> None:
    heading = "`trajectory.h5`"
    with h5py.File(finished / name) as file:
        group, note = file["particles/all"], file["parameters/metriplex"]
        elements = {"box/edges" if key == "box" else key for key in group}
        assert all({"value", "step", "time"} <= set(group[key]) for key in ("position", "present"))
        assert {"dimension", "periodic", "origin", "attributes"} == set(note.attrs)
        attributes = set(json.loads(note.attrs["attributes"]))
    agree(elements, heading)
    agree(attributes, heading, table=1)


@pytest.mark.parametrize("name", ["survey.json", "tuning.json", "linking.json", "truth.json"])
def test_json(finished: Path, name: str) -> None:
    keys = set(json.loads((finished / name).read_text()))
    if name == "tuning.json":
        assert keys == {"parameters", "evidence", "warnings", "inputs", "checksum"}
    else:
        agree(keys, f"`{name}`")


@pytest.mark.parametrize("model", ["metriplectic", "dpd"])
def test_models(finished: Path, model: str) -> None:
    folder = finished / model / "seed0"
    agree(set(yaml.safe_load((folder / "model.yaml").read_text())), "`model.yaml`")
    agree(set(pd.read_csv(folder / "training.csv").columns), "`training.csv`")
    with h5py.File(folder / "rollout.h5") as file:
        log = file["observables"]
        agree({*log, *(f"@{key}" for key in log.attrs)}, "`rollout.h5`")


def test_learned_functions(finished: Path) -> None:
    found = contents(finished / "metriplectic" / "seed0" / "learned.h5")
    found = {"@units" if name.startswith("@") else name for name in found}
    agree(found, "`learned.h5`")


@pytest.mark.parametrize("source", ["experiment", "truth", "metriplectic_seed0"])
def test_statistics(finished: Path, source: str) -> None:
    found = contents(finished / "statistics" / f"{source}.h5")
    # What every group of D2min says is told once, for the first; the others have their lag besides.
    others = r"@(d2min_\w+|streamlines)/|@\w+/missing$"  # any group may say why it is empty
    agree({name for name in found if not re.match(others, name)}, "`statistics/<source>.h5`")


def test_neighbours_and_errors(finished: Path) -> None:
    agree(contents(finished / "graphs.h5"), "`graphs.h5`")
    agree(set(pd.read_csv(finished / "comparison.csv").columns), "`comparison.csv`")
