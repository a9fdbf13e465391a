"""Files of LAMMPS, OVITO, HOOMD's gsd and MDAnalysis become the trajectory that was written."""

from __future__ import annotations

import gsd.hoomd
import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.lib.formats.libmdaxdr import TRRFile

from pipeline import h5md
from tests.imported.written import LENGTHS, RNG, apart, by_mdanalysis, read, walk


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


def test_a_plane_may_be_dumped_without_its_z(dumps):
    folder, _ = dumps
    flat = read(folder / "flat.lammpstrj", dt=0.2)
    plain = read(folder / "plain.lammpstrj", dt=0.02)
    assert flat.dimension == 2
    assert flat.velocity == pytest.approx(plain.velocity[::10, :, :2], abs=1e-4)


@pytest.mark.parametrize("ending", ["dcd", "xtc", "trr"])
@pytest.mark.parametrize("share", [0.35, 0.62, 0.9])
def test_a_binary_file_cut_short_is_named(tmp_path, ending, share):
    """Their readers count the snapshots that are whole and pass over the rest."""
    path = by_mdanalysis(tmp_path / f"whole.{ending}", walk() % LENGTHS)
    box = LENGTHS.tolist()
    assert len(read(path, dt=0.5, box=box).time) == 12
    data = path.read_bytes()
    cut = tmp_path / f"cut.{ending}"
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=rf"cut\.{ending} ends inside snapshot \d+: it was cut"):
        read(cut, dt=0.5, box=box)


def test_velocities_at_other_times_than_positions_end_in_a_sentence(tmp_path):
    path, r = tmp_path / "a.trr", walk().astype(np.float32) / 10
    with TRRFile(str(path), "w") as file:
        for t, frame in enumerate(r):
            x = frame if t % 2 == 0 else None
            file.write(x, frame, None, np.diag(LENGTHS / 10), t, 0.5 * t, 0.0, len(frame))
    with pytest.raises(ValueError, match=r"no positions in snapshot 1.*nstxout = nstvout"):
        read(path)
