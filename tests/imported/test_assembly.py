"""Boxes, intervals, runs and velocities of imported files, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imported.written import LENGTHS, RNG, apart, read, walk, xyz


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
