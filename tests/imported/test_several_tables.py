"""Tables beside each other are runs; what are parts of one run is told or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.imported.settings import Columns
from pipeline.imported.track_files import read
from pipeline.imported.tracks import Tracked, convert
from pipeline.settings import sections
from tests.imported.test_tracks import SETTINGS, walk

WALK = walk(gap=False)


def together(folder: Path, key) -> Tracked:
    """A table for every value of a key."""
    raws = []
    for name, rows in WALK.groupby(key):
        rows.to_csv(folder / f"{name}.csv", index=False)
        raws.append(read(folder / f"{name}.csv", Columns(), None))
    return convert(raws, sections(SETTINGS), None)


@pytest.mark.parametrize("role", ["particle", "frame"])
def test_a_table_a_particle_or_a_frame_is_no_run(tmp_path, role):
    with pytest.raises(ValueError, match=f"other tables hold one {role} each: put all rows into"):
        together(tmp_path, role)


def test_a_table_that_goes_on_where_another_ends_is_told_of(tmp_path):
    found = together(tmp_path, WALK["frame"] // 6)
    assert found.tracks["run"].nunique() == 2
    assert "1.csv goes on where 0.csv ends" in " ".join(found.tuning["warnings"])


def test_other_particles_are_another_run(tmp_path):
    """Of the same frames, or of later ones."""
    for key in (WALK["particle"] // 10, WALK["particle"] // 10 + 10 * (WALK["frame"] // 6)):
        rows = WALK[(key == 0) | (key == 11)] if key.max() > 2 else WALK
        raws = []
        for name, part in rows.groupby(key):
            part.to_csv(tmp_path / f"{name}.csv", index=False)
            raws.append(read(tmp_path / f"{name}.csv", Columns(), None))
        said = convert(raws, sections(SETTINGS), None).tuning["warnings"]
        assert not any("goes on where" in sentence for sentence in said)
