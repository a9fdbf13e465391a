"""Tables that arrive in ways nobody planned for: read rightly, or refused by a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.imported import sources
from tests.imported.test_tracks import WALK, imported


def arrive(path: Path, table: pd.DataFrame) -> Path:
    writers: dict[str, Callable[[], object]] = {
        ".csv": lambda: table.to_csv(path, index=False),
        ".parquet": lambda: table.to_parquet(path),
        ".npy": lambda: np.save(path, table.to_records(index=False)),
    }
    writers[path.suffix]()
    return path


def thousands(mark: str) -> pd.DataFrame:
    return WALK.assign(x=[f"{100 * x:,.2f}".replace(",", mark) for x in WALK["x"]])


DATES = (pd.Timestamp("2024-05-01T23:59:59.8Z") + pd.to_timedelta(40 * WALK["frame"], "ms")).map(
    pd.Timestamp.isoformat
)
SEEN = {
    "labels that begin below 0": ("t.csv", WALK.assign(particle=WALK["particle"] - 5)),
    "records": ("t.npy", WALK),
    "numbers as words": ("t.parquet", WALK.astype(str)),
    "names with dots": ("t.csv", WALK.rename(columns={"particle": "Particle ID", "frame": "No."})),
    "names of a plugin": (
        "t.csv",
        WALK.rename(columns={"particle": "Track n°", "frame": "Slice n°"}),
    ),
    "labels of more digits than a float": (
        "t.csv",
        WALK.assign(particle=WALK["particle"] + 10**18),
    ),
    "a column twice": ("t.csv", WALK.assign(**{"frame ": WALK["frame"]})),
    "t in seconds": (
        "t.csv",
        WALK.drop(columns="frame").assign(**{"t [sec]": 0.04 * WALK["frame"]}),
    ),
    "a stopwatch": (
        "t.csv",
        WALK.drop(columns="frame").assign(time=[f"0:{0.04 * k:05.2f}" for k in WALK["frame"]]),
    ),
    "intervals of pandas": (
        "t.parquet",
        WALK.drop(columns="frame").assign(time=pd.to_timedelta(40 * WALK["frame"], "ms")),
    ),
    "dates for frames": ("t.csv", WALK.drop(columns="frame").assign(time=DATES)),
    "dates beside frames": ("t.csv", WALK.assign(time=DATES)),
    "dates of numpy": ("t.parquet", WALK.assign(time=pd.to_datetime(DATES, format="ISO8601"))),
}


@pytest.mark.parametrize(("name", "table"), SEEN.values(), ids=SEEN)
def test_the_same_tracks(tmp_path, name, table):
    path = arrive(tmp_path / name, table)
    dated = "time" in table or "t [sec]" in table
    columns = {"frame": "No."} if "No." in table else None
    found = imported(path, columns=columns, fps=25.0 if "frame" not in table and dated else None)
    seen = found.tracks[~found.tracks["filled"]].sort_values(["frame", "x"])
    wanted = WALK.sort_values(["frame", "x"])
    assert seen[["frame", "x", "y"]].to_numpy() == pytest.approx(
        wanted[["frame", "x", "y"]].to_numpy(), abs=1e-6
    )
    assert found.tracks["particle"].nunique() == 30
    assert found.tuning["scale"]["fps"] == (pytest.approx(25.0) if dated else None)


@pytest.mark.parametrize("kind", ["utf-16-le", "utf-16-be"])
def test_two_bytes_a_letter_and_no_mark(tmp_path, kind):
    (tmp_path / "t.csv").write_bytes(WALK.to_csv(index=False).encode(kind))
    assert len(imported(tmp_path / "t.csv").tracks) == 360


def test_velocities_are_not_read_and_named(tmp_path):
    found = imported(arrive(tmp_path / "t.csv", WALK.assign(vx=100.0, vy=-50.0)))
    assert "velocities of t.csv (vx, vy) are not read" in " ".join(found.tuning["warnings"])


REFUSED = {
    "commas of thousands": ("t.csv", thousands(","), r"\(2,005\.03\): write plain decimal numbers"),
    "marks of thousands": ("t.csv", thousands("'"), r"\(2'005\.03\): write plain decimal numbers"),
    "metres": (
        "t.csv",
        WALK.assign(x=1e-7 * WALK["x"], y=1e-7 * WALK["y"]),
        r"lie within 1\.02e-05 px of each other.*tracks\.length_unit",
    ),
    "names of images": (
        "t.csv",
        WALK.assign(frame=[f"im_{k}.tif" for k in WALK["frame"]]),
        r"360 of 360 are not \(im_0\.tif\)|359 of 359 are not \(im_0\.tif\)",
    ),
    "two columns for x": ("t.csv", WALK.assign(**{"x ": 2 * WALK["x"]}), "may be the x, x and x"),
    "lists": ("t.parquet", WALK.assign(x=[[x] for x in WALK["x"]]), "holds lists in its column x"),
    "a column a particle": (
        "t.csv",
        WALK.pivot(index="frame", columns="particle", values="x").add_prefix("x").reset_index(),
        r"x10, \.\.\. \(31 in all\) and none is known to be the particle",
    ),
}


@pytest.mark.parametrize(("name", "table", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant(tmp_path, name, table, said):
    with pytest.raises(ValueError, match=said):
        imported(arrive(tmp_path / name, table))


def test_a_pickle_in_an_array_is_not_followed(tmp_path):
    np.save(tmp_path / "t.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"t\.npy cannot be read: .*; write it as CSV"):
        imported(tmp_path / "t.npy")


def test_pixels_beside_lengths(tmp_path):
    from pipeline.imported.settings import Columns
    from pipeline.imported.track_files import read
    from pipeline.imported.tracks import convert
    from pipeline.settings import Settings

    arrive(tmp_path / "a.csv", WALK)
    metric = WALK.assign(x=0.1 * WALK["x"] + 1, y=0.1 * WALK["y"])
    arrive(tmp_path / "b.csv", metric.rename(columns={"x": "x_um", "y": "y_um"}))
    raws = [read(tmp_path / name, Columns(), None) for name in ("a.csv", "b.csv")]
    with pytest.raises(ValueError, match=r"b\.csv are lengths and those of a\.csv are pixels"):
        convert(raws, Settings(), None)


ROW = "{particle}{mark}{frame}{mark}{x:.4f}{mark}{y:.4f}"


def written(head: str, row: str, mark: str, comma: bool = False, number: int | None = None) -> str:
    """A table as text; ``number`` is that of the first row where rows begin with theirs."""
    lines = [head]
    for k, values in enumerate(WALK.to_dict("records")):
        line = row.format(mark=mark, **values)
        line = line.replace(".", ",") if comma else line
        lines.append(line if number is None else f'"{number + k}"{mark}{line}')
    return "\n".join(lines)


LAID = {
    "bars": written("particle|frame|x|y", ROW, "|"),
    "numbers of rows under tabs": written("\tparticle\tframe\tx\ty", ROW, "\t", number=0),
    "numbers of rows of R": written('"particle" "frame" "x" "y"', ROW, " ", number=1),
    "decimal commas in quotes": written(
        "particle,frame,x,y", '{particle},{frame},"{x:.4f}","{y:.4f}"', ",", comma=True
    ),
}


@pytest.mark.parametrize("text", LAID.values(), ids=LAID)
def test_texts_are_the_same_tracks(tmp_path, text):
    (tmp_path / "t.txt").write_text(text)
    found = imported(tmp_path / "t.txt").tracks
    seen = found[~found["filled"]].sort_values(["frame", "x"])
    wanted = WALK.sort_values(["frame", "x"])
    assert seen[["frame", "x", "y"]].to_numpy() == pytest.approx(
        wanted[["frame", "x", "y"]].to_numpy(), abs=1e-4
    )


def test_decimal_commas_between_commas_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text(written("particle,frame,x,y", ROW, ",", comma=True))
    with pytest.raises(ValueError, match=r"more entries than the 4 columns .* decimal points"):
        imported(tmp_path / "t.csv")


def particles(outer: str, inner: str, rest: str = "") -> str:
    """Tracks as elements of elements."""
    tracks = "".join(
        f"<{inner}>"
        + "".join(f'<detection t="{r.frame}" x="{r.x}" y="{r.y}" z="0"{rest}/>' for r in rows)
        + f"</{inner}>"
        for rows in (list(rows.itertuples()) for _, rows in WALK.groupby("particle"))
    )
    return f'<?xml version="1.0"?><root><{outer}>{tracks}</{outer}></root>'


@pytest.mark.parametrize(
    "text",
    [particles("trackgroup", "track", ' type="1"'), particles("TrackContestISBI2012", "particle")],
)
def test_xml_of_icy_and_of_the_tracking_challenge(tmp_path, text):
    (tmp_path / "t.xml").write_text(text)
    assert sources.tables([tmp_path / "t.xml"]) == [tmp_path / "t.xml"]
    found = imported(tmp_path / "t.xml").tracks
    assert found["particle"].nunique() == 30
    assert len(found[~found["filled"]]) == len(WALK)


def test_what_icy_only_supposed_was_not_seen(tmp_path):
    text = particles("trackgroup", "track", ' type="1"')
    (tmp_path / "t.xml").write_text(text.replace('type="1"', 'type="2"', 2))
    assert len(WALK) - (~imported(tmp_path / "t.xml").tracks["filled"]).sum() == 2


def test_positions_of_imaris_have_their_unit_in_a_column_and_times_that_count(tmp_path):
    rows = WALK.assign(Unit="mm", Category="Spot", Time=WALK["frame"] + 1, x=1e-3 * WALK["x"])
    rows = rows.assign(y=1e-3 * rows["y"], TrackID=10**9 + rows["particle"])
    names = {"x": "Position X", "y": "Position Y"}
    rows = rows.rename(columns=names)[[*names.values(), "Unit", "Category", "Time", "TrackID"]]
    (tmp_path / "t.csv").write_text("\nPosition\n=====\n" + rows.to_csv(index=False))
    found = imported(tmp_path / "t.csv", mpp=0.5, fps=10)
    assert found.tracks["frame"].max() == WALK["frame"].max() + 1
    assert found.tracks["x"].max() == pytest.approx(WALK["x"].max() / 0.5)
    assert "were taken for numbers of frames" in " ".join(found.tuning["warnings"])
    rows.loc[5, "Unit"] = "um"
    with pytest.raises(ValueError, match="several units in its column Unit, mm and um"):
        imported(arrive(tmp_path / "u.csv", rows))


def test_remarks_below_the_names_of_columns_are_no_units(tmp_path):
    head, rows = WALK.to_csv(index=False).split("\n", 1)
    (tmp_path / "t.csv").write_text(f"{head}\n# x, y of the left camera\n{rows}")
    found = imported(tmp_path / "t.csv")
    assert len(found.tracks[~found.tracks["filled"]]) == len(WALK)


@pytest.mark.parametrize(("unit", "size"), [("m", 1e-6), ("cm", 1e-4), ("inch", 1 / 25400)])
def test_lengths_in_larger_units(tmp_path, unit, size):
    names = {"x": f"x ({unit})", "y": f"y ({unit})"}
    table = WALK.assign(x=size * WALK["x"], y=size * WALK["y"]).rename(columns=names)
    found = imported(arrive(tmp_path / "t.csv", table)).tracks
    assert found["x"].max() == pytest.approx(WALK["x"].max())
