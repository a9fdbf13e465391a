"""Every file that one stage leaves to the next, damaged in every way: its reader names it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from safetensors.numpy import load_file, save_file

from pipeline import graphs, h5md, tables
from pipeline.analysis import conservation, statistics
from pipeline.analysis.metric import Metric
from pipeline.dynamics.rollout import rollout, write
from pipeline.errors import InputError
from pipeline.files import SUM
from pipeline.hdf5 import opened, written
from pipeline.learn.train import checkpoint_to_resume
from pipeline.learn.trained_model import load, placed
from pipeline.trajectory import Trajectory
from pipeline.video.frames import example_shape
from pipeline.video.parameters import Parameters, parameters
from tests.dynamics.systems import CUTOFF, LENGTH, simulated
from tests.edits import unsealed
from tests.learn.quick import quick_train
from tests.learn.test_train import SETTINGS
from tests.test_tables import ROWS
from tests.test_tables import tracks as example_tracks

SHORT = dataclasses.replace(SETTINGS, steps=4, validate_every=2)


@pytest.fixture(scope="module")
def data() -> tuple[Trajectory, graphs.Graphs]:
    window = simulated(40).trajectory
    return window, graphs.build(window, CUTOFF * LENGTH)


SOURCE = {"source": "experiment"}


@pytest.fixture(scope="module")
def results(data, tmp_path_factory) -> Path:
    """One of every artefact."""
    folder = tmp_path_factory.mktemp("results")
    h5md.write(folder / "trajectory.h5", data[0].noting(source="trajectory"))
    graphs.write(folder / "graphs.h5", data[1])
    quick_train(*data, SHORT, folder, seed=0)
    learned = load(folder)
    window = data[0].window(slice(30, 34))
    done = rollout(window, learned.model, learned.conditions(window, 0), 0, progress=False)
    write(folder / "rollout.h5", done, {"length": 1.0, "time": 1.0}, "ours_seed0")
    statistics.write(folder / "experiment.h5", {"rdf": Metric({"r": np.ones(9)}, {})}, SOURCE)
    entry = {"value": 9, "source": "estimated", "why": ""}
    tuning = {"parameters": dict.fromkeys(Parameters._fields, entry)}
    (folder / "tuning.json").write_text(json.dumps(tuning))
    with written(folder / "tracking.h5") as file:
        file["images"] = np.zeros((3, 4, 5), np.uint8)
    tables.write(folder / "tracks.parquet", example_tracks(ROWS), tables.TRACKS)
    return folder


READERS: dict[str, Callable[[Path], Any]] = {
    "trajectory.h5": h5md.read,
    "graphs.h5": lambda path: graphs.read(path, h5md.read(path.with_name("trajectory.h5"))),
    "model.safetensors": lambda path: load(path.parent),
    "model.yaml": lambda path: load(path.parent),
    "rollout.h5": conservation.stopped,
    "experiment.h5": statistics.read,
    "tuning.json": parameters,
    "tracking.h5": example_shape,
    "tracks.parquet": lambda path: tables.read(path, tables.TRACKS),
}


def cut(share: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(share * path.stat().st_size))


def nothing(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def words(path: Path) -> None:
    path.write_text("These are words.\n" * 50)


def gone(path: Path) -> None:
    path.unlink()


def other(path: Path) -> None:
    """A whole file of its kind, from somewhere else."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["numbers"] = range(9)
    elif path.suffix == ".safetensors":
        save_file({"weight": np.ones(3)}, path)
    elif path.suffix == ".parquet":
        import pandas as pd

        pd.DataFrame({"numbers": [1]}).to_parquet(path)
    else:
        path.write_text('{"numbers": [1, 2]}')


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = {
    "empty": cut(0.0),
    "cut early": cut(0.02),
    "cut in the middle": cut(0.5),
    "cut at its end": cut(0.97),
    "zeros": nothing,
    "words": words,
    "gone": gone,
    "of somebody else": other,
    "a folder": folder,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_refused_by_its_name(results, tmp_path, name, damage):
    for other_file in results.iterdir():
        if other_file.is_file():
            shutil.copy(other_file, tmp_path)
    READERS[name](tmp_path / name)
    damage(tmp_path / name)
    with pytest.raises(InputError) as refusal:
        READERS[name](tmp_path / name)
    said = str(refusal.value)
    assert str(tmp_path / name) in said
    assert "\n" not in said
    assert len(said) < 600


def change(where: str, value: Any) -> Callable[[h5py.File], None]:
    def act(file: h5py.File) -> None:
        stored = file[where]
        array = stored[()]
        kept = dict(stored.attrs)
        del file[where]
        file[where] = value(array)
        file[where].attrs.update(kept)

    return act


def attribute(**values: Any) -> Callable[[h5py.File], None]:
    def act(file: h5py.File) -> None:
        note = file["parameters/metriplex"].attrs
        note["attributes"] = json.dumps({**json.loads(note["attributes"]), **values})

    return act


def rotten(path: Path) -> None:
    """A bit of the longest stretch of numbers, as a disk loses it."""
    content = bytearray(path.read_bytes())
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            found: list[tuple[int, int]] = []

            def note(_: str, node: Any) -> None:
                if isinstance(node, h5py.Dataset) and node.chunks and node.id.get_num_chunks():
                    part = node.id.get_chunk_info(0)
                    found.append((part.size, part.byte_offset))

            file.visititems(note)
            size, start = max(found)
    elif path.suffix == ".parquet":
        group = pq.read_metadata(path).row_group(0)
        columns = [group.column(k) for k in range(group.num_columns)]
        size, start = max((c.total_compressed_size, c.data_page_offset) for c in columns)
    else:
        size, start = len(content), 0
    content[start + size // 2] ^= 1
    path.write_bytes(content)


SUMMED = ("trajectory.h5", "graphs.h5", "experiment.h5", "tracks.parquet", "model.safetensors")


@pytest.mark.parametrize("name", SUMMED)
def test_a_bit_that_changed_on_disk_is_noticed(results, tmp_path, name):
    for other_file in results.iterdir():
        if other_file.is_file():
            shutil.copy(other_file, tmp_path)
    rotten(tmp_path / name)
    with pytest.raises(InputError) as refusal:
        READERS[name](tmp_path / name)
    assert str(tmp_path / name) in str(refusal.value)


def without(name: str) -> Callable[[h5py.File], None]:
    def act(file: h5py.File) -> None:
        del file[name]

    return act


def unit(name: str, text: str) -> Callable[[h5py.File], None]:
    def act(file: h5py.File) -> None:
        file[name].attrs["unit"] = text

    return act


P = "particles/all"
TRAJECTORIES = {
    "no position": (without(f"{P}/position"), "it lacks"),
    "no id": (without(f"{P}/id"), "it lacks"),
    "fewer snapshots": (change(f"{P}/velocity/value", lambda a: a[:-1]), "velocity has shape"),
    "fewer particles": (change(f"{P}/driven/value", lambda a: a[:, 1:]), "driven has shape"),
    "fewer times": (change(f"{P}/position/time", lambda a: a[1:]), "time has shape"),
    "fewer labels": (change(f"{P}/id", lambda a: a[1:]), "particle has shape"),
    "fewer runs": (change("parameters/metriplex/run", lambda a: a[1:]), "run has shape"),
    "complex velocities": (change(f"{P}/velocity/value", lambda a: a + 0j), "must hold real"),
    "no axes": (change(f"{P}/present/value", lambda a: a.ravel()), "present has shape"),
    "numbers for flags": (change(f"{P}/present/value", lambda a: a * 2.0), "true or false"),
    "not a number": (change(f"{P}/position/value", lambda a: a * np.nan), "is not finite"),
    "an infinite time": (change(f"{P}/position/time", lambda a: a + np.inf), "time is not finite"),
    "no box": (change(f"{P}/box/edges/value", lambda a: 0 * a), "edges of the box"),
    "feet": (unit(f"{P}/position/value", "ft"), "has the unit 'ft'"),
    "another velocity": (unit(f"{P}/velocity/value", "ft s-1"), "has the unit 'ft s-1'"),
    "an unknown unit": (attribute(length_unit="ft"), "length_unit must be one of"),
    "an unknown clock": (attribute(time_unit="day"), "time_unit must be one of"),
    "no step": (attribute(dt=0.0), "dt, the time between snapshots, must be above 0"),
    "no number for a step": (attribute(dt="fast"), "must be above 0, got 'fast'"),
    "an endless step": (attribute(dt=float("inf")), "must be above 0, got inf"),
    "a negative error": (attribute(localisation_error=-1.0), "must be 0 or above"),
}


@pytest.mark.parametrize(("damage", "said"), TRAJECTORIES.values(), ids=TRAJECTORIES)
def test_a_trajectory_that_contradicts_itself(results, tmp_path, damage, said):
    path = Path(shutil.copy(results / "trajectory.h5", tmp_path))
    with unsealed(path) as file:
        damage(file)
    with pytest.raises(InputError) as refusal:
        h5md.read(path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


NEIGHBOURS = {
    "fewer shifts": (change("shift", lambda a: a[1:]), "have shapes"),
    "an offset too far": (change("offset", lambda a: a + (a > 0)), "does not run from 0"),
    "an offset that falls": (change("offset", lambda a: np.r_[a[:3], 0, a[4:]]), "offset falls"),
    "a particle below 0": (change("i", lambda a: a - 9999), "below 0"),
    "halves of particles": (change("j", lambda a: a / 2), "whole numbers"),
    "no cutoff": (lambda file: file.attrs.__delitem__("cutoff"), "lacks"),
    "of another trajectory": (
        lambda file: file.attrs.__setitem__("mark", file.attrs["mark"] * 1.001),
        "it is of another trajectory than the one beside it",
    ),
    "an endless cutoff": (lambda file: file.attrs.__setitem__("cutoff", np.inf), "above 0"),
}


@pytest.mark.parametrize(("damage", "said"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_neighbours_that_contradict_themselves(results, tmp_path, damage, said):
    path = Path(shutil.copy(results / "graphs.h5", tmp_path))
    with unsealed(path) as file:
        damage(file)
    with pytest.raises(InputError, match=said) as refusal:
        graphs.read(path, h5md.read(results / "trajectory.h5"))
    assert str(path) in str(refusal.value)


def put(key: str, value: Any, sealed: bool = False) -> Callable[[Path], None]:
    """A value at a dotted key of model.yaml, or none of it."""

    def act(place: Path) -> None:
        path = place / "model.yaml"
        record = yaml.safe_load(path.read_text())
        *above, last = key.split(".")
        inner = record
        for name in above:
            inner = inner[name]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
        if not sealed:  # else its checksum would tell first
            record.pop(SUM, None)
        path.write_text(yaml.safe_dump(record, explicit_end=True))

    return act


def weights(act: Callable[[dict[str, np.ndarray]], Any]) -> Callable[[Path], None]:
    def run(place: Path) -> None:
        found = load_file(place / "model.safetensors")
        act(found)
        save_file(found, place / "model.safetensors")
        put("weights", None)(place)  # their checksum, which would tell first

    return run


MODELS = {
    "no model": (put("model", None), "model.yaml"),
    "no units": (put("units", None), "model.yaml"),
    "no length": (put("units.length", 0), "units.length must be above 0"),
    "an endless time": (put("units.time", float("inf")), "units.time must be above 0"),
    "a word for a time": (put("units.time", "fast"), "model.yaml"),
    "another model": (put("model.cutoff", None), "model.yaml"),
    "weights that are no numbers": (
        weights(
            lambda w: w.update(
                {k: np.full_like(v, np.nan) for k, v in w.items() if v.dtype.kind == "f"}
            )
        ),
        "not finite",
    ),
    "another checksum": (put("weights", "0" * 64), "its checksum is not the one in model.yaml"),
    "a weight too few": (weights(lambda w: w.pop("latent.z")), "it lacks"),
    "a latent too few": (weights(lambda w: w.update({"latent.z": w["latent.z"][1:]})), "latents"),
}


@pytest.mark.parametrize(("damage", "said"), MODELS.values(), ids=MODELS)
def test_a_model_that_does_not_fit_its_record(results, tmp_path, damage, said):
    for name in ("model.yaml", "model.safetensors"):
        shutil.copy(results / name, tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=said) as refusal:
        load(tmp_path)
    assert str(tmp_path) in str(refusal.value)


SEALED = ("trajectory.h5", "graphs.h5", "rollout.h5", "experiment.h5", "learned.h5", "tracking.h5")


def first(file: h5py.File, kind: str = "biuf") -> str:
    """Of the datasets of numbers with more than one."""
    found: list[str] = []

    def note(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.kind in kind and node.size > 1:
            found.append(name)

    file.visititems(note)
    return found[-1]


BY_HAND: dict[str, Callable[[h5py.File], Any]] = {
    "taken away": lambda file: file.__delitem__(first(file)),
    "cut short": lambda file: change(first(file), lambda a: a[:-1])(file),
    "made longer": lambda file: change(first(file), lambda a: np.concatenate([a, a]))(file),
    "without axes": lambda file: change(first(file), lambda a: a.ravel()[0])(file),
    "complex": lambda file: change(first(file), lambda a: a + 0j)(file),
    "words": lambda file: change(first(file), lambda a: "words")(file),
    "renamed": lambda file: file.move(first(file), "elsewhere"),
    "added": lambda file: file.create_dataset("more", data=np.ones(3)),
    "one value": lambda file: change(first(file), lambda a: a + (a == a.max()).astype(a.dtype))(
        file
    ),
    "an attribute of the file": lambda file: file.attrs.__setitem__("source", "mine"),
    "an attribute within": lambda file: file[first(file)].attrs.__setitem__("unit", "ft"),
}


@pytest.mark.parametrize("act", BY_HAND.values(), ids=BY_HAND)
@pytest.mark.parametrize("name", SEALED)
def test_what_was_edited_by_hand_is_refused(results, tmp_path, name, act):
    path = Path(shutil.copy(results / name, tmp_path))
    with h5py.File(path, "a") as file:
        act(file)
    with (
        pytest.raises(InputError, match="it was changed since it was written") as refusal,
        opened(path, "a file"),
    ):
        pass
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("value", ["often", [], [1.0], {"S": 3}, 5])
@pytest.mark.parametrize("key", ["seen.S", "seen", "measured", "training.dataset", "model.cutoff"])
def test_a_record_that_was_edited_by_hand_is_refused(results, tmp_path, key, value):
    for name in ("model.yaml", "model.safetensors"):
        shutil.copy(results / name, tmp_path)
    put(key, value, sealed=True)(tmp_path)
    with pytest.raises(InputError, match=r"model\.yaml .*it was changed since it was written"):
        load(tmp_path)


def test_a_model_of_another_place_is_refused(results, data, tmp_path):
    """Another model's files, another seed's, another data set's: all whole, none belongs there."""
    place = tmp_path / data[0].attributes["dataset"] / "metriplectic" / "seed0"
    quick_train(*data, SHORT, place, seed=0)
    assert placed(place / "model.safetensors").record["training"]["source"] == "metriplectic_seed0"
    for folder, said in {
        "small/dpd/seed0": "source",
        "small/metriplectic/seed1": "source",
        "big/metriplectic/seed0": "dataset",
    }.items():
        other = tmp_path / folder.replace("small", data[0].attributes["dataset"])
        shutil.copytree(place, other)
        with pytest.raises(InputError, match=f"holds a model whose {said} is") as refusal:
            placed(other / "model.safetensors")
        assert str(other) in str(refusal.value)


def flipped(path: Path) -> None:
    """A bit of the largest tensor: between the tensors lies padding, which nobody reads."""
    with zipfile.ZipFile(path) as archive:
        part = max(archive.infolist(), key=lambda info: info.file_size)
    content = bytearray(path.read_bytes())
    name, extra = struct.unpack_from("<HH", content, part.header_offset + 26)
    content[part.header_offset + 30 + name + extra + part.file_size // 2] ^= 1
    path.write_bytes(content)


def foreign(path: Path) -> None:
    torch.save({"weights": torch.ones(3)}, path)


CHECKPOINTS = {
    "empty": cut(0.0),
    "cut": cut(0.7),
    "words": words,
    "a bit flipped": flipped,
    "of somebody else": foreign,
}


@pytest.mark.parametrize("damage", CHECKPOINTS.values(), ids=CHECKPOINTS)
@pytest.mark.parametrize(
    ("names", "kept"),
    [(["last"], "best.ckpt"), (["best"], None), (["last", "best"], None), ([], "last.ckpt")],
)
def test_a_damaged_checkpoint_is_set_aside(results, tmp_path, capsys, damage, names, kept):
    shutil.copytree(results / "checkpoints", tmp_path / "checkpoints")
    mark = (tmp_path / "checkpoints" / "fingerprint").read_text()
    for name in names:
        damage(tmp_path / "checkpoints" / f"{name}.ckpt")
    found = checkpoint_to_resume(tmp_path, mark)
    assert (found.name if found else None) == kept
    said = capsys.readouterr().err
    assert said.startswith("warning: " if names else "")
    assert all((tmp_path / f"{name}.ckpt.damaged").exists() for name in names)
    if kept is None:
        assert not list((tmp_path / "checkpoints").glob("*.ckpt"))
        assert (tmp_path / "checkpoints" / "fingerprint").read_text() == mark


@pytest.mark.parametrize("lack", [OSError(24, "Too many open files"), MemoryError()])
def test_a_checkpoint_that_cannot_be_read_now_is_kept(results, tmp_path, monkeypatch, lack):
    shutil.copytree(results / "checkpoints", tmp_path / "checkpoints")
    before = sorted(tmp_path.rglob("*"))

    def load_nothing(*_: Any, **__: Any) -> None:
        raise lack

    monkeypatch.setattr(torch, "load", load_nothing)
    with pytest.raises(type(lack)):
        checkpoint_to_resume(tmp_path, (tmp_path / "checkpoints" / "fingerprint").read_text())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_of_another_data_set_is_refused(results):
    for name in ("dataset", "source"):
        with pytest.raises(InputError, match=rf"trajectory.h5 .*its {name} is .* not 'mine'"):
            h5md.read(results / "trajectory.h5", **{name: "mine"})
    for expected, said in {"source": "its source is 'experiment'", "dataset": "'dataset'"}.items():
        with pytest.raises(InputError, match=rf"experiment\.h5 .*{said}"):
            statistics.read(results / "experiment.h5", **{expected: "mine"})


def test_training_goes_on_from_the_checkpoint_before_a_damaged_one(data, tmp_path):
    """And ends where it would have ended."""
    quick_train(*data, SHORT, tmp_path / "whole", seed=0)
    shutil.copytree(tmp_path / "whole", tmp_path / "broken")
    cut(0.5)(tmp_path / "broken" / "checkpoints" / "last.ckpt")
    quick_train(*data, SHORT, tmp_path / "broken", seed=0)
    whole, broken = (
        load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken")
    )
    assert all(np.array_equal(whole[name], broken[name]) for name in whole)


def test_a_model_whose_cutoff_covers_the_box_is_refused(results, data):
    learned = load(results)
    window = data[0].window(slice(30, 34))
    units = {**learned.record["units"], "length": 1e3 * learned.record["units"]["length"]}
    far = learned._replace(record={**learned.record, "units": units})
    with pytest.raises(InputError, match="covers the whole box"):
        far.conditions(window, seed=0)
    with pytest.raises(InputError, match="covers the whole box"):
        graphs.build(data[0], 2 * max(data[0].box.lengths))
