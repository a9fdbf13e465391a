"""H5MD of other programs: short and long forms of box and time, rows in any order, no units."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.imported import sources
from tests.imported.written import LENGTHS, apart, langevin, read

R, V = langevin(0, 0.3)
DT = 1.0


def written(path: Path, **options) -> Path:
    """As the standard has it; ``options`` change single things."""
    count, order = R.shape[1], options.get("order", lambda t: slice(None))
    with h5py.File(path, "w") as file:
        file.create_group("h5md").attrs["version"] = [1, 1]
        group = file.create_group(f"particles/{options.get('group', 'all')}")
        box = group.create_group("box")
        box.attrs["dimension"] = 3
        box.attrs["boundary"] = options.get("boundary", [b"periodic"] * 3)
        edges = options.get("edges", LENGTHS)
        if np.ndim(edges) == 1 or len(edges) == 3:
            box["edges"] = edges
        else:
            box["edges/value"], box["edges/step"] = edges, np.arange(len(edges))
        for name, values in (("position", R % LENGTHS), ("velocity", V)):
            element = group.create_group(name)
            element["value"] = np.stack([values[t][order(t)] for t in range(len(R))])
            element["step"] = np.arange(len(R)) * 10
            if "time" in options:
                element["time"] = options["time"]
                element["time"].attrs.update(options.get("clock", {}))
            element["value"].attrs.update(
                options.get("unit" if name == "position" else "speed", {})
            )
        if "order" in options:
            ids = np.arange(1, count + 1)
            group["id/value"] = np.stack([ids[order(t)] for t in range(len(R))])
            group["id/step"] = np.arange(len(R)) * 10
    return path


def shuffled(t: int) -> np.ndarray:
    return np.random.default_rng(t).permutation(R.shape[1])


FORMS = {
    "no units": {"time": DT * np.arange(len(R))},
    "a time between snapshots": {"time": DT},
    "vectors of the box": {"time": DT, "edges": np.diag(LENGTHS)},
    "a box of every snapshot": {"time": DT, "edges": np.tile(LENGTHS, (len(R), 1))},
    "another name of the group": {"time": DT, "group": "colloids"},
    "rows in any order": {"time": DT, "order": shuffled},
    "words and not bytes": {"time": DT, "boundary": ["periodic"] * 3},
}


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", ["a.h5md", "a.h5"])
def test_any_form_is_the_same_trajectory(tmp_path, name, options):
    path = written(tmp_path / name, **options)
    assert sources.recorded([path]) == [path]
    found = read(path)
    assert found.dt == pytest.approx(DT)
    assert found.box.periodic == (True, True, True)
    assert np.asarray(found.box.lengths) == pytest.approx(LENGTHS)
    assert apart(found.position, R, LENGTHS) < 1e-6
    assert found.velocity == pytest.approx(V, abs=1e-6)
    assert found.attributes["length_unit"] == "1"


def test_times_are_asked_for(tmp_path):
    with pytest.raises(ValueError, match=r"does not say how much time.*set imported\.dt"):
        read(written(tmp_path / "a.h5md"))


# As stated (length, time, velocity): what they become, and the factors of positions, times and
# velocities.
STATED = {
    ("nm", "", ""): ("nm", "1", 1.0, 1.0, 1.0),
    ("Angstrom", "ps", "Angstrom ps-1"): ("A", "ps", 1.0, 1.0, 1.0),
    ("pm", "fs", ""): ("A", "fs", 1e-2, 1.0, 1e-2),
    ("m", "s", "m s-1"): ("um", "s", 1e6, 1.0, 1e6),
    ("10-9 m", "60 s", ""): ("nm", "s", 1.0, 60.0, 1 / 60),
    ("µm", "min", ""): ("um", "s", 1.0, 60.0, 1 / 60),
    ("nm", "ps", "Angstrom ps-1"): ("nm", "ps", 1.0, 1.0, 0.1),
    ("nm", "s", "m s-1"): ("nm", "s", 1.0, 1.0, 1e9),
    ("sigma", "tau", "sigma tau-1"): ("1", "1", 1.0, 1.0, 1.0),
}


@pytest.mark.parametrize("stated", STATED, ids=lambda stated: " ".join(stated))
def test_units_are_what_the_file_states(tmp_path, stated):
    length, time, place, clock, speed = STATED[stated]
    given = [{"unit": name} if name else {} for name in stated]
    path = written(tmp_path / "a.h5md", unit=given[0], time=DT, clock=given[1], speed=given[2])
    with h5py.File(path, "a") as file:  # velocities that fit the units they are said to have
        file["particles/all/velocity/value"][...] *= place / clock / speed
    found = read(path)
    assert (found.attributes["length_unit"], found.attributes["time_unit"]) == (length, time)
    assert found.dt == pytest.approx(DT * clock)
    assert np.asarray(found.box.lengths) == pytest.approx(LENGTHS * place)
    assert apart(found.position / place, R, LENGTHS) < 1e-6
    assert found.velocity / place * clock == pytest.approx(V, abs=1e-6)


@pytest.mark.parametrize(
    ("unit", "clock", "speed", "said"),
    [
        ("furlong", "ps", "", "'furlong' for its lengths"),
        ("nm", "nm", "", "'nm' for its times"),
        ("nm", "ps", "nm", "'nm' for its velocities"),
        ("a.u.", "blink", "", "'a.u.' for its lengths and 'blink' for its times"),
    ],
)
def test_a_unit_that_is_none_is_named(tmp_path, unit, clock, speed, said):
    given = {"unit": {"unit": unit}, "clock": {"unit": clock}, "speed": {"unit": speed}}
    found = read(written(tmp_path / "a.h5md", time=DT, **given))
    assert said in " ".join(found.attributes["warnings"])


def test_a_box_may_have_a_unit_of_its_own(tmp_path):
    path = written(tmp_path / "a.h5md", time=DT, unit={"unit": "Angstrom"}, edges=LENGTHS / 10)
    with h5py.File(path, "a") as file:
        file["particles/all/box/edges"].attrs["unit"] = "nm"
    assert read(path).box.lengths == pytest.approx(LENGTHS)


def test_a_leaning_box_and_two_groups_are_refused(tmp_path):
    leaning = np.diag(LENGTHS) + np.eye(3, k=1)
    with pytest.raises(ValueError, match=r"is tilted \(by 1"):
        read(written(tmp_path / "a.h5md", time=DT, edges=leaning))
    path = written(tmp_path / "b.h5md", time=DT)
    with h5py.File(path, "a") as file:
        file.copy("particles/all", "particles/solvent")
    with pytest.raises(ValueError, match="several groups of particles, all, solvent"):
        read(path)


def test_an_hdf5_of_something_else_is_no_trajectory(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = np.zeros((4, 4))
    (tmp_path / "b.h5").write_text("no hdf5")
    assert sources.recorded(sorted(tmp_path.iterdir())) == []
    (tmp_path / "c.h5md").write_text("no hdf5")
    with pytest.raises(ValueError, match=r"c\.h5md cannot be read as H5MD"):
        read(tmp_path / "c.h5md")
