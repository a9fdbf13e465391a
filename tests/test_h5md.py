"""The trajectory file: what goes in comes out, and MDAnalysis opens it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import h5md
from pipeline.errors import InputError
from tests.edits import unsealed
from tests.test_trajectory import example


@pytest.mark.parametrize(("unit", "clock"), [("um", "s"), ("px", "frame"), ("1", "1")])
@pytest.mark.parametrize("dimension", [2, 3])
def test_round_trip(tmp_path, unit, clock, dimension):
    before = example(unit, clock, dimension)
    h5md.write(tmp_path / "t.h5", before)
    after = h5md.read(tmp_path / "t.h5")
    np.testing.assert_allclose(after.position, before.position, rtol=1e-13)
    np.testing.assert_allclose(after.velocity, before.velocity, rtol=1e-13)
    for name in ("present", "driven", "time", "run", "particle", "species"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_allclose(after.box.lengths, before.box.lengths)
    assert after.box.periodic == before.box.periodic
    assert after.attributes == before.attributes
    np.testing.assert_array_equal(after.extra["filled"], before.extra["filled"])
    assert not list(tmp_path.glob("*.partial"))


def test_how_much_a_file_holds_is_known_without_reading_it(tmp_path):
    before = example("um", "s")
    h5md.write(tmp_path / "t.h5", before)
    assert h5md.extent(tmp_path / "t.h5") == before.present.shape
    (tmp_path / "t.h5").write_bytes(b"no trajectory")
    with pytest.raises(InputError, match=r"t\.h5 is not"):
        h5md.extent(tmp_path / "t.h5")


@pytest.mark.parametrize(
    "rows", [slice(None), slice(1, 4), slice(2, 2), np.array([4, 0, 0]), np.arange(5) % 2 == 0, -1]
)
def test_rows_that_are_read_alone_are_those_of_the_whole(tmp_path, rows):
    h5md.write(tmp_path / "t.h5", example("um", "s"))
    whole, left = (read(tmp_path / "t.h5") for read in (h5md.read, h5md.on_disk))
    for one, other in (
        (whole.position, left.position),
        (whole.velocity, left.velocity),
        (whole.extra["filled"], left.extra["filled"]),
    ):
        assert not isinstance(other, np.ndarray)
        np.testing.assert_array_equal(other[rows], one[rows])


def test_a_bad_number_is_noticed_when_its_row_is_read(tmp_path):
    h5md.write(tmp_path / "t.h5", example())
    with unsealed(tmp_path / "t.h5") as file:
        column = int(file["particles/all/present/value"][3].argmax())
        file["particles/all/position/value"][3, column] = np.nan
    data = h5md.on_disk(tmp_path / "t.h5")
    data.window(slice(0, 3))
    with pytest.raises(ValueError, match=r"t\.h5 .*position of a present particle is not finite"):
        data.window(slice(2, 5))


def test_mdanalysis_reads_nanometres_as_angstrom(tmp_path):
    MDAnalysis = pytest.importorskip("MDAnalysis")
    before = example()
    path = tmp_path / "t.h5md"
    h5md.write(path, before)
    universe = MDAnalysis.Universe.empty(7, trajectory=False)
    universe.load_new(str(path), format="H5MD")
    assert len(universe.trajectory) == 5
    step = universe.trajectory[3]
    # MDAnalysis works in Angstrom and picoseconds: 1 um = 1e4 A, 1 um / s = 1e-8 A / ps.
    np.testing.assert_allclose(step.positions[:, :2], before.position[3] * 1e4, rtol=1e-5)
    np.testing.assert_allclose(step.velocities[:, :2], before.velocity[3] * 1e-8, rtol=1e-5)


@pytest.mark.parametrize("unit", ["um", "1"])
def test_the_undeformed_positions_of_a_solid_are_kept(tmp_path, unit):
    solid = example(unit, "1" if unit == "1" else "s")
    solid = solid._replace(reference=solid.position[0] + 0.3)
    h5md.write(tmp_path / "t.h5", solid)
    after = h5md.read(tmp_path / "t.h5")
    np.testing.assert_allclose(after.reference, solid.reference, rtol=1e-13)
    assert after.window(slice(1, 3)).reference is after.reference
    assert set(after.extra) == {"filled"}
    h5md.write(tmp_path / "fluid.h5", example())
    assert h5md.read(tmp_path / "fluid.h5").reference is None


def test_undeformed_positions_must_be_one_per_particle(tmp_path):
    solid = example()._replace(reference=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="one undeformed position per particle"):
        h5md.write(tmp_path / "t.h5", solid)


def test_a_trajectory_with_missing_attributes_is_refused(tmp_path):
    broken = example()
    del broken.attributes["dt"]
    with pytest.raises(ValueError, match="lacks the attributes dt"):
        h5md.write(tmp_path / "t.h5", broken)
