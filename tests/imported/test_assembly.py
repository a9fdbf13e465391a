"""Boxes, runs and velocities of imported files, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imported.written import LENGTHS, RNG, apart, dump, langevin, read, walk, xyz


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
    assert not read(path, band=(1.72, 1.0), edge="closed").driven[1:].any()


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


def test_a_given_box_is_that_of_open_axes_too(tmp_path):
    r = RNG.random((1, 60, 2)) * [30.0, 20.0] + 0.01 * RNG.normal(size=(5, 60, 2)) + 2.0
    path = xyz(tmp_path / "a.xyz", r, "Properties=species:S:1:pos:R:2 Time={t}")
    found = read(path, box=[40.0, 30.0], periodic=False)
    assert found.box.lengths.tolist() == [40.0, 30.0]
    assert found.box.origin.tolist() == [0.0, 0.0]
    centred = xyz(tmp_path / "b.xyz", r - [17.0, 12.0], "Properties=species:S:1:pos:R:2 Time={t}")
    assert read(centred, box=[40.0, 30.0], periodic=False).box.origin.tolist() == [-20.0, -15.0]
    with pytest.raises(ValueError, match=r"leave the box of 20 that imported\.box gives"):
        read(path, box=[20.0, 30.0], periodic=False)
    with pytest.raises(ValueError, match=r"3 edges and the positions of a\.xyz 2 components"):
        read(path, box=[40.0, 30.0, 5.0])


def test_what_is_given_wins_and_the_difference_is_said(tmp_path):
    r = walk(20) * 0.1 + 0.4 * LENGTHS
    path = xyz(tmp_path / "a.xyz", r, f"{BOX} Time={{t}}")
    found = read(path, dt=0.25, box=[16.0, 18.0, 20.0])
    assert found.dt == 0.25
    assert found.box.lengths.tolist() == [16.0, 18.0, 20.0]
    said = " ".join(found.attributes["warnings"])
    assert "16 x 18 x 20, as imported.box says; a.xyz says 8 x 9 x 10" in said
    assert "0.25 apart, as imported.dt says; a.xyz says 1" in said
    # Another unit of time is no contradiction, another time is one.
    other = xyz(tmp_path / "b.xyz", r, f"{BOX} Time={{t}} fs")
    said = " ".join(read(other, dt=1e-3, time_unit="ps").attributes["warnings"])
    assert "apart" not in said
    said = " ".join(read(other, dt=1.0, time_unit="ps").attributes["warnings"])
    assert "Snapshots are 1 ps apart, as imported.dt says; b.xyz says 1 fs" in said
    said = " ".join(read(other, time_unit="ns", length_unit="um").attributes["warnings"])
    assert "Times are counted in ns, as imported.time_unit says; b.xyz says fs" in said
    assert "Lengths" not in said


def test_a_box_that_breathes_is_scaled_onto_the_mean_that_is_given(tmp_path):
    scale = 1 + 0.02 * np.sin(np.arange(10))
    still = RNG.random((20, 3)) * LENGTHS + 1e-3 * np.cumsum(RNG.normal(size=(10, 20, 3)), axis=0)
    parts = []
    for t in range(10):
        edges = " ".join(f"{x:.8f}" for x in (np.diag(LENGTHS) * scale[t]).ravel())
        name = tmp_path / f"{t}.part"
        parts.append(xyz(name, scale[t] * still[t : t + 1], f'Lattice="{edges}"').read_text())
    path = tmp_path / "a.xyz"
    path.write_text("".join(parts))
    with pytest.raises(ValueError, match=r"box changes along x.* mean size as imported\.box"):
        read(path, dt=1.0)
    found = read(path, dt=1.0, box=LENGTHS.tolist())
    assert apart(found.position, still, LENGTHS) < 1e-4
    assert "were scaled onto imported.box" in " ".join(found.attributes["warnings"])
    with pytest.raises(ValueError, match="must be within 5 %"):
        read(path, dt=1.0, box=(1.2 * LENGTHS).tolist())


def test_faces_that_shrink_around_the_particles_are_no_box_that_changes(tmp_path):
    r, _ = langevin(1, 0.3, 0.1)
    path = dump(tmp_path / "a.lammpstrj", r, bounds="ss ss ss")
    text = iter(path.read_text().splitlines(keepends=True))
    lines = []
    for line in text:
        lines.append(line)
        if line.startswith("ITEM: BOX"):
            frame = r[sum(row.startswith("ITEM: BOX") for row in lines) - 1]
            for low, high in zip(frame.min(axis=0), frame.max(axis=0), strict=True):
                next(text)
                lines.append(f"{low} {high}\n")
    path.write_text("".join(lines))
    found = read(path, dt=1.0)
    assert found.box.periodic == (False, False, False)
    assert found.box.lengths == pytest.approx(np.ptp(r, axis=(0, 1)), abs=1e-6)


@pytest.mark.parametrize("digits", [9, 3])
def test_a_restart_that_goes_back_is_said(tmp_path, digits):
    r, _ = langevin(1, 0.3, 0.1)
    parts = {
        "a": r[:10],
        "b": np.round(r[8:], digits),
        "c": np.concatenate([r[:1], r[:0:-1] + 0.01]),
    }
    paths = {name: dump(tmp_path / f"{name}.dump", part % LENGTHS) for name, part in parts.items()}
    [said] = read(paths["a"], paths["b"], dt=1.0).attributes["warnings"]
    assert "2 snapshots of b.dump are those of a.dump again (the first, 0, is 8 there)" in said
    assert read(paths["a"], paths["c"], dt=1.0).attributes["warnings"] == []
