"""Files of LAMMPS, OVITO, HOOMD's gsd and MDAnalysis become the trajectory that was written."""

from __future__ import annotations

from pathlib import Path

import gsd.hoomd
import MDAnalysis
import numpy as np
import pytest

from pipeline import h5md
from pipeline.imported.assembly import load
from pipeline.trajectory import Trajectory
from tests.imported.conftest import SETTINGS

RNG = np.random.default_rng(0)
LENGTHS = np.array([8.0, 9.0, 10.0])


def read(*paths: Path, band: tuple[float, float] = (1.0, 0.0), **given) -> Trajectory:
    return load(list(paths), {**SETTINGS, **given}, band, "mine")


def walk(frames: int = 12, count: int = 20) -> np.ndarray:
    """(T, N, 3) a wandering gas that crosses the faces of its box, float32 for the formats."""
    start = RNG.random((1, count, 3)) * LENGTHS
    steps = 0.3 * RNG.normal(size=(frames - 1, count, 3))
    path = np.concatenate([start, start + np.cumsum(steps, axis=0)])
    return path.astype(np.float32).astype(float)


def apart(a: np.ndarray, b: np.ndarray, lengths: np.ndarray) -> float:
    """Largest distance between two sets of positions, images aside."""
    gap = a - b
    return float(np.abs(gap - lengths * np.round(gap / lengths)).max())


def test_a_lammps_dump_has_its_box_velocities_and_flags(dumps):
    folder, D = dumps
    found = read(folder / "plain.lammpstrj", dt=0.02)
    assert found.position.shape == (11, 60, D)
    assert found.dt == 0.02
    assert found.attributes["velocity"] == "measured"
    assert found.box.periodic == (True,) * D
    assert found.box.lengths == pytest.approx([10.0] * D)
    assert found.box.origin[0] == -1.0
    assert (found.species == np.tile([2, 1], 30)).all()
    step = np.diff(found.position, axis=0)
    step -= 10.0 * np.round(step / 10.0)
    mean = 0.5 * (found.velocity[1:] + found.velocity[:-1]) * 0.02
    assert np.abs(step - mean).max() < 0.05 * np.abs(step).max()


def test_scaled_unsorted_columns_and_the_time_in_the_header_say_the_same(dumps):
    folder, D = dumps
    plain = read(folder / "plain.lammpstrj", dt=0.02)
    timed = read(folder / "dump.timed")
    assert timed.dt == pytest.approx(0.02)
    assert timed.dimension == D
    assert apart(timed.position, plain.position, plain.box.lengths) < 1e-8
    assert timed.attributes["velocity"] == "backward difference"
    assert not timed.present[0].any()
    near = np.abs(timed.velocity[1:] - 0.5 * (plain.velocity[1:] + plain.velocity[:-1])).max()
    assert near < 0.05 * np.abs(plain.velocity).max()


def test_ovitos_extended_xyz_is_read_whatever_particles_are_called(dumps, tmp_path):
    ovito = pytest.importorskip("ovito.io")
    folder, _ = dumps
    node = ovito.import_file(str(folder / "plain.lammpstrj"))
    columns = ["Particle Identifier", "Particle Type", *(f"Position.{x}" for x in "XYZ")]
    columns += [f"Velocity.{x}" for x in "XYZ"]
    path = tmp_path / "melt.xyz"
    ovito.export_file(node, str(path), "xyz", columns=columns, multiple_frames=True)
    plain, found = read(folder / "plain.lammpstrj", dt=0.02), read(path, dt=0.02)
    assert apart(found.position, plain.position, plain.box.lengths) < 1e-6
    assert found.velocity == pytest.approx(plain.velocity, abs=1e-6)
    assert found.box.lengths == pytest.approx(plain.box.lengths)
    assert len(np.unique(found.species)) == 2


@pytest.mark.parametrize("D", [2, 3])
def test_gsd_keeps_dimension_velocities_and_gaps(D, tmp_path):
    path, r = tmp_path / "walk.gsd", walk()
    v = RNG.normal(size=r.shape).astype(np.float32)
    if D == 2:
        r[..., 2] = v[..., 2] = 0.0
    with gsd.hoomd.open(str(path), "w") as file:
        for t in range(len(r)):
            frame = gsd.hoomd.Frame()
            frame.configuration.step = 100 * t + (200 if t > 5 else 0)
            frame.configuration.box = [*(LENGTHS[:D]), *([0] * (6 - D))]
            frame.configuration.dimensions = D
            frame.particles.N = r.shape[1]
            frame.particles.position = r[t] - 0.5 * LENGTHS
            frame.particles.velocity = v[t]
            file.append(frame)
    found = read(path, dt=0.5, length_unit="um", time_unit="s")
    assert found.dimension == D
    assert apart(found.position, (r - 0.5 * LENGTHS)[..., :D], LENGTHS[:D]) < 1e-5
    assert found.velocity == pytest.approx(v[..., :D])
    assert np.flatnonzero(~found.successive()).tolist() == [5]
    assert found.time[-1] == pytest.approx(0.5 * 13)
    assert (found.attributes["length_unit"], found.attributes["time_unit"]) == ("um", "s")


@pytest.mark.parametrize("ending", ["xtc", "trr", "dcd", "xyz"])
def test_what_mdanalysis_writes_is_read_back_in_angstroms(ending, tmp_path):
    path, r = tmp_path / f"walk.{ending}", walk()
    made = MDAnalysis.Universe.empty(r.shape[1], trajectory=True)
    made.add_TopologyAttr("name", ["B"] * r.shape[1])
    with MDAnalysis.Writer(str(path), r.shape[1], dt=0.5) as writer:
        for t in range(len(r)):
            made.dimensions = [*LENGTHS, 90, 90, 90]
            made.atoms.positions = r[t]
            made.trajectory.ts.data["time"] = 0.5 * t
            made.trajectory.ts.frame = t
            writer.write(made.atoms)
    given = {"dt": 0.5, "box": LENGTHS.tolist(), "periodic": True} if ending == "xyz" else {}
    found = read(path, **given)
    assert found.dt == pytest.approx(0.5, rel=1e-4)
    assert found.attributes["length_unit"] == ("1" if ending == "xyz" else "A")
    assert apart(found.position, r, LENGTHS) < 0.02
    assert found.box.periodic == (True, True, True)
    moved = np.diff(r, axis=0) / 0.5
    assert found.velocity[1:] == pytest.approx(moved, abs=0.05)
    h5md.write(tmp_path / "trajectory.h5", found)
    again = h5md.read(tmp_path / "trajectory.h5")
    assert again.attributes == found.attributes


def xyz(path: Path, r: np.ndarray, comment: str = "tracked") -> Path:
    """Two columns of coordinates behind a name, as a tracking program may write them."""
    with open(path, "w") as file:
        for t, frame in enumerate(r):
            file.write(f"{len(frame)}\n{comment.format(t=t)}\n")
            file.writelines(f"A {' '.join(f'{x:.6f}' for x in row)}\n" for row in frame)
    return path


def test_open_axes_end_where_particles_do_and_their_edge_leads(tmp_path):
    r = RNG.random((1, 400, 2)) * [30.0, 20.0] + 0.01 * RNG.normal(size=(5, 400, 2))
    path = xyz(tmp_path / "a.xyz", r, "Properties=species:S:1:pos:R:2 Time={t}")
    found = read(path, band=(1.72, 1.0), length_unit="px", time_unit="frame", position_error=0.02)
    assert found.box.periodic == (False, False)
    assert found.box.lengths == pytest.approx(np.ptp(r, axis=(0, 1)))
    inner = (found.position > found.box.origin + 3) & (
        found.position < found.box.origin + found.box.lengths - 3
    )
    assert found.driven[1:].any()
    assert not (found.driven & inner.all(axis=2)).any()
    assert found.attributes["localisation_error"] == 0.02


def test_files_are_runs_and_files_of_one_snapshot_are_one(tmp_path):
    r, note = walk(), 'Lattice="8 0 0 0 9 0 0 0 10"'
    two = [xyz(tmp_path / f"{k}.xyz", part, note) for k, part in enumerate((r[:5], r[5:]))]
    found = read(*two, dt=1.0)
    assert found.run.tolist() == [0] * 5 + [1] * 7
    assert found.present[[0, 5]].any() == False  # noqa: E712  (a run starts without velocities)
    each = [xyz(tmp_path / f"snap{k}.xyz", r[k : k + 1], note) for k in range(len(r))]
    assert (read(*each, dt=1.0).run == 0).all()
    assert apart(read(*each, dt=1.0).position, r, LENGTHS) < 1e-5


BOX = 'Lattice="8 0 0 0 9 0 0 0 10"'
REFUSED = [
    ("Time={t}", {"periodic": True}, "axis x is periodic and .* no length"),
    (BOX, {}, "does not say how much time passes"),
    (BOX, {"dt": 1.0, "velocities": "recorded"}, "holds no velocities"),
    ('Lattice="8 0 0 3 9 0 0 0 10"', {"dt": 1.0}, "is tilted"),
    (BOX, {"dt": 1.0, "periodic": [True, False]}, "has 2 flags"),
    ('Lattice="8 0 0 0 9 0 0 0 1{t}"', {"dt": 1.0}, "box changes along z from 10 to 11"),
    ("Properties=species:S:1:pos:R:3:velo:R:3", {"dt": 1.0}, "declares 7"),
]


@pytest.mark.parametrize(("comment", "given", "said"), REFUSED)
def test_what_is_missing_or_wrong_is_said_in_a_sentence(comment, given, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        read(xyz(tmp_path / "walk.xyz", walk(4), comment), **given)


def test_damaged_and_contradicting_files_are_refused(tmp_path, dumps):
    note, r = "Time={t}", walk(4)
    changing = tmp_path / "changing.xyz"
    one, other = (xyz(tmp_path / f"{n}.xyz", r[:, :n], note) for n in (20, 19))
    changing.write_text(one.read_text() + other.read_text())
    with pytest.raises(ValueError, match="changes from 20 to 19 in snapshot 4"):
        read(changing)
    with pytest.raises(ValueError, match=r"same particles, got 20 in 20\.xyz, 19 in 19\.xyz"):
        read(one, other)
    short = tmp_path / "short.xyz"
    short.write_text("\n".join(one.read_text().split("\n")[:50]))
    with pytest.raises(ValueError, match="was cut short"):
        read(short)
    cut = tmp_path / "cut.lammpstrj"
    cut.write_text("\n".join((dumps[0] / "plain.lammpstrj").read_text().split("\n")[:100]))
    with pytest.raises(ValueError, match="ends after 22 of 60 particles"):
        read(cut, dt=1.0)
    uneven = tmp_path / "uneven.xyz"
    times = enumerate((0, 1.0, 2.7))
    parts = (xyz(tmp_path / "u.xyz", r[k : k + 1], f"Time={time}") for k, time in times)
    uneven.write_text("".join(path.read_text() for path in parts))
    with pytest.raises(ValueError, match="do not fall on a clock"):
        read(uneven)
    nothing = tmp_path / "nothing.dcd"
    nothing.write_bytes(b"no trajectory")
    with pytest.raises(ValueError, match=r"MDAnalysis cannot open nothing.dcd"):
        read(nothing)


def test_a_plane_may_be_dumped_without_its_z(dumps):
    folder, _ = dumps
    flat, plain = (read(folder / f"{name}.lammpstrj", dt=0.2) for name in ("flat", "plain"))
    assert flat.dimension == 2
    assert flat.velocity == pytest.approx(plain.velocity[::10, :, :2], abs=1e-4)
