"""Tables of tracks, however a program writes them, are the same tracks; what contradicts is not."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import trackpy

from pipeline import tables
from pipeline.imported import sources
from pipeline.imported.settings import Columns
from pipeline.imported.track_files import read
from pipeline.imported.tracks import Film, Shown, convert
from pipeline.settings import sections

SETTINGS = {
    "video": {
        "mpp": None,
        "fps": None,
        "pixel_aspect": 1.0,
        "crop": None,
        "frames": None,
        "registration": False,
    },
    "detect": {"diameter": None},
    "link": {"min_length": None, "memory": None, "drift": "none"},
    "tracks": {"corrected": False},
}


def walk(frames: int = 12, count: int = 30, gap: bool = True) -> pd.DataFrame:
    """Particles that wander about their places in a film of 160 x 120 px."""
    rng = np.random.default_rng(0)
    place = np.stack([20 + 20 * (np.arange(count) % 6), 15 + 20 * (np.arange(count) // 6)], axis=1)
    r = place + np.cumsum(0.4 * rng.standard_normal((frames, count, 2)), axis=0)
    frame, particle = (k.ravel() for k in np.mgrid[:frames, :count])
    table = pd.DataFrame({"y": r[..., 1].ravel(), "x": r[..., 0].ravel(), "mass": 100.0})
    table = table.assign(frame=frame, particle=particle)
    return table.drop(index=[5 * count + 3]) if gap else table


WALK = walk()


def crocker_grier(path: Path, table: pd.DataFrame) -> None:
    """The array of track.pro: x, y, brightness, radius, eccentricity, time, label, by label."""
    rows = table.assign(rg=2.0, ecc=0.1).sort_values(["particle", "frame"])
    columns = ["x", "y", "mass", "rg", "ecc", "frame", "particle"]
    np.savetxt(path, rows[columns].to_numpy(), fmt="%.7f")


def napari(path: Path, table: pd.DataFrame) -> None:
    rows = table.sort_values(["particle", "frame"])[["particle", "frame", "y", "x"]]
    rows.set_axis(["ID", "T", "Y", "X"], axis=1).to_csv(path, index=False)


def napari_array(path: Path, table: pd.DataFrame) -> None:
    rows = table.sort_values(["particle", "frame"])[["particle", "frame", "y", "x"]]
    np.save(path, rows.to_numpy(float))


def trackmate_csv(path: Path, table: pd.DataFrame) -> None:
    """Spots as TrackMate 7 exports them, lengths in micrometres, four rows of header."""
    names = "LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,POSITION_Z,POSITION_T,FRAME,RADIUS"
    head = [
        f"{names},MANUAL_SPOT_COLOR",
        "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,Radius,Manual spot color",
        "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,R,Spot color",
        ",,,(quality),(micron),(micron),(micron),(sec),,(micron),",
    ]
    rows = [
        f"ID{k},{k},{row.particle:.0f},7.1,{row.x / 2:.8f},{row.y / 2:.8f},0.0,"
        f"{row.frame / 25:.6f},{row.frame:.0f},2.5,#AA0000"
        for k, row in enumerate(table.itertuples())
    ]
    loose = "ID9999,9999,,1.0,3.0,3.0,0.0,0.0,0,2.5,"
    path.write_text("\n".join([*head, *rows, loose]) + "\n")


def trackmate_xml(path: Path, table: pd.DataFrame) -> None:
    """A session: spots by frame, links between them, which tracks are kept, the film's scales."""
    number = {(r.particle, r.frame): k for k, r in enumerate(table.itertuples())}
    frames = "".join(
        f'<SpotsInFrame frame="{t}">'
        + "".join(
            f'<Spot ID="{number[r.particle, r.frame]}" FRAME="{r.frame}" '
            f'POSITION_X="{r.x / 2:.8f}" POSITION_Y="{r.y / 2:.8f}" POSITION_Z="0" RADIUS="2"/>'
            for r in rows.itertuples()
        )
        + "</SpotsInFrame>"
        for t, rows in table.groupby("frame")
    )
    tracks = "".join(
        f'<Track TRACK_ID="{p}">'
        + "".join(
            f'<Edge SPOT_SOURCE_ID="{number[p, a]}" SPOT_TARGET_ID="{number[p, b]}"/>'
            for a, b in zip(rows["frame"], rows["frame"].iloc[1:], strict=False)
        )
        + "</Track>"
        for p, rows in table.sort_values("frame").groupby("particle")
    )
    kept = "".join(f'<TrackID TRACK_ID="{p}"/>' for p in table["particle"].unique())
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><TrackMate version="7.11.1">'
        '<Model spatialunits="micron" timeunits="sec">'
        f"<AllSpots>{frames}</AllSpots><AllTracks>{tracks}</AllTracks>"
        f"<FilteredTracks>{kept}</FilteredTracks></Model><Settings>"
        '<ImageData width="160" height="120" nframes="12" pixelwidth="0.5" pixelheight="0.5" '
        'timeinterval="0.04"/></Settings></TrackMate>'
    )


def trackmate_tracks(path: Path, table: pd.DataFrame) -> None:
    """Tracks exported by themselves."""
    body = "".join(
        f'<particle nSpots="{len(rows)}">'
        + "".join(
            f'<detection t="{r.frame}" x="{r.x}" y="{r.y}" z="0.0"/>' for r in rows.itertuples()
        )
        + "</particle>"
        for _, rows in table.groupby("particle")
    )
    path.write_text(
        f'<Tracks spaceUnits="pixel" frameInterval="1.0" timeUnits="frame">{body}</Tracks>'
    )


def store(path: Path, table: pd.DataFrame) -> None:
    """trackpy's store of one table a frame."""
    with trackpy.PandasHDFStoreBig(str(path)) as file:
        for _, rows in table.groupby("frame"):
            file.put(rows)


def ours(path: Path, table: pd.DataFrame) -> None:
    whole = table.assign(run=0, size=1.0, ecc=0.0, signal=1.0, ep=0.0, filled=False)
    tables.write_csv(path, [tables.checked(whole, tables.TRACKS)])


WRITERS: dict[str, Callable[[Path, pd.DataFrame], object]] = {
    "trackpy.csv": lambda path, table: table.to_csv(path),
    "bare.csv.gz": lambda path, table: path.write_bytes(
        gzip.compress(table.to_csv(index=False).encode())
    ),
    "commas.csv": lambda path, table: table.to_csv(path, sep=";", decimal=",", index=False),
    "tabs.tsv": lambda path, table: table.to_csv(path, sep="\t", index=False),
    "capitals.csv": lambda path, table: table.rename(columns=str.upper).to_csv(path),
    "trackpy.parquet": lambda path, table: table.to_parquet(path),
    "fixed.h5": lambda path, table: table.to_hdf(path, key="tracks"),
    "table.h5": lambda path, table: table.to_hdf(path, key="tracks", format="table"),
    "columns.h5": lambda path, table: table.to_hdf(
        path, key="tracks", format="table", data_columns=True
    ),
    "store.h5": store,
    "array.npy": napari_array,
    "napari.csv": napari,
    "crocker_grier.txt": crocker_grier,
    "spots.csv": trackmate_csv,
    "session.xml": trackmate_xml,
    "tracks.xml": trackmate_tracks,
    "ours.csv": ours,
}
FILM = Film((120, 160), (Shown("film", 0, np.arange(12)),))


def imported(path: Path, film: Film | None = None, columns: dict | None = None, **video):
    """As the stage does it; sections by keys with a point."""
    chosen = {name: dict(section) for name, section in SETTINGS.items()}
    for key, value in video.items():
        section, _, name = key.rpartition("__")
        chosen[section or "video"][name] = value
    unit = chosen["tracks"].pop("length_unit", None)
    return convert([read(path, Columns(**(columns or {})), unit)], sections(chosen), film)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("film", [None, FILM])
def test_every_program_says_the_same(tmp_path, name, film):
    if name.endswith(".h5"):
        pytest.importorskip("tables")
    WRITERS[name](tmp_path / name, WALK)
    (tmp_path / "notes.csv").write_text("frame,temperature,note\n0,21.5,cold\n1,21.6,warm\n")
    (tmp_path / "log.txt").write_text("1 2.5 3.5 4.5\n2 2.5 3.5 4.5\n1 2.5 3.5 4.5\n")
    assert [path.name for path in sources.tables(tmp_path.iterdir())] == [name]
    metric = name == "spots.csv"
    found = imported(tmp_path / name, film, mpp=0.5 if metric else None)
    seen = found.tracks[~found.tracks["filled"]]
    wanted = WALK.sort_values(["frame", "particle"])
    for column in ("frame", "particle"):
        assert (seen[column].to_numpy() == wanted[column].to_numpy()).all()
    assert seen[["x", "y"]].to_numpy() == pytest.approx(wanted[["x", "y"]].to_numpy(), abs=1e-6)
    [(_, filled)] = found.tracks[found.tracks["filled"]].iterrows()
    assert (filled["frame"], filled["particle"]) == (5, 3)
    scale = found.tuning["scale"]
    timed = name in ("spots.csv", "session.xml")
    assert scale["fps"] == (pytest.approx(25.0) if timed else None)
    assert scale["mpp"] == (0.5 if timed else None)
    assert f"Tracks were read from {name}: particle from" in found.tuning["warnings"][0]


REFUSED = [
    (lambda t: t.assign(frame=t["frame"] / 25), {}, r"must be whole numbers.*give video\.fps"),
    (lambda t: t.assign(particle=t["particle"] + 0.5), {}, r"name the right column as tracks\.col"),
    (
        lambda t: t.assign(track_id=t["particle"]),
        {},
        r"particle and track_id.* tracks\.columns\.par",
    ),
    (
        lambda t: t.assign(position_x=t["x"]),
        {},
        r"x and position_x: name one as tracks\.columns\.x",
    ),
    (lambda t: t.drop(columns="particle"), {}, r"none is known to be the particle: name it as"),
    (
        lambda t: t.assign(time=0.5 * t["frame"]).drop(columns="frame"),
        {},
        r"times \(time\) and no frames: give video\.f",
    ),
    (
        lambda t: t.assign(time=t["frame"] ** 2),
        {},
        r"times of t\.csv do not go along with its frames",
    ),
    (lambda t: t.assign(x=t["x"].where(t.index != 9)), {}, "1 of 359 rows .* x that is no number"),
    (lambda t: t.assign(frame=t["frame"] - 1), {}, "has a frame -1: frames are counted from 0"),
    (lambda t: t.assign(frame=t["frame"] + 5), {}, "has a frame 16 and its film film 12 frames"),
    (
        lambda t: t.assign(x=10 * t["x"]),
        {},
        r"reach from .* film is 160 x 120 px: is the unit anoth",
    ),
    (lambda t: t.assign(x=t["y"], y=t["x"]), {}, r"are x and y exchanged \(tracks\.columns\)"),
    (lambda t: t.assign(z=t["x"]), {}, "only tracks in a plane"),
    (lambda t: t.rename(columns={"x": "x [um]", "y": "y [um]"}), {}, r"give video\.mpp"),
    (lambda t: t.rename(columns={"x": "x [um]"}), {}, "gives x in um and y in None"),
    (lambda t: t.rename(columns={"x": "x [ell]", "y": "y [ell]"}), {}, "a length in 'ell'"),
    (lambda t: t, {"registration": True}, r"video\.registration moves the film"),
    (lambda t: t, {"link__drift": "mean"}, r"link\.drift takes the mean motion out"),
    (lambda t: t, {"crop": [150, 100, 160, 120]}, r"lies in video\.crop and video\.frames"),
    (lambda t: t, {"link__min_length": 13}, r"No track is as long as link\.min_length = 13"),
    (
        lambda t: t,
        {"columns": {"x": "ex"}},
        r"tracks\.columns\.x is 'ex' and t\.csv has the columns",
    ),
]


@pytest.mark.parametrize(("spoil", "given", "said"), REFUSED)
def test_what_contradicts_itself_or_the_film_is_refused(tmp_path, spoil, given, said):
    path = tmp_path / "t.csv"
    spoil(WALK).to_csv(path, index=False)
    with pytest.raises(ValueError, match=said):
        imported(path, FILM, **given)


def spoilt(kind: str, table: pd.DataFrame) -> bytes:
    """A table as people's programs leave it behind."""
    text = table.to_csv(index=False)
    head, _, rows = text.partition("\n")
    short = table.round(3)
    return {
        "shuffled": table.sample(frac=1, random_state=1).to_csv(index=False).encode(),
        "rows twice": (text + "\n".join(rows.splitlines()[40:60]) + "\n").encode(),
        "all twice": (text + rows).encode(),
        "names again": f"{text}{head}\n".encode(),
        "titles": f"Tracks of 2024, by hand\n\n{text}".encode(),
        "underlined": f"\nPosition\n====\n\n{text}".encode(),
        "utf-16": text.encode("utf-16"),
        "windows": text.replace("x,y", "x [px],y [px]").replace("mass", "größe").encode("cp1252"),
        "tabs and commas": short.to_csv(sep="\t", decimal=",", index=False).encode(),
        "blanks and commas": short.to_csv(sep=" ", decimal=",", index=False).encode(),
        "whole at first": short.sort_values("x").to_csv(sep=";", decimal=",", index=False)
        .replace(",0;", ";").encode(),
        "names of particles": table.assign(particle="P" + table["particle"].astype(str))
        .to_csv(index=False).encode(),
        "numbers and words": table.assign(
            particle=table["particle"].map(lambda k: str(k) if k < 20 else f"b{k}")
        ).to_csv(index=False).encode(),
    }[kind]  # fmt: skip


SPOILT = [
    *("shuffled", "rows twice", "all twice", "names again", "titles", "underlined", "utf-16"),
    *("windows", "tabs and commas", "blanks and commas", "whole at first", "names of particles"),
    "numbers and words",
]


@pytest.mark.parametrize("kind", SPOILT)
def test_a_table_however_it_was_written(tmp_path, kind):
    (tmp_path / "t.csv").write_bytes(spoilt(kind, WALK))
    assert sources.tables([tmp_path / "t.csv"]) == [tmp_path / "t.csv"]
    found = imported(tmp_path / "t.csv", FILM)
    seen = found.tracks[~found.tracks["filled"]].sort_values(["frame", "x"])
    wanted = WALK.sort_values(["frame", "x"])
    assert seen[["frame", "x", "y"]].to_numpy() == pytest.approx(
        wanted[["frame", "x", "y"]].to_numpy(), abs=1e-3
    )
    assert found.tracks["particle"].nunique() == WALK["particle"].nunique()
    said = " ".join(found.tuning["warnings"])
    assert ("stand there twice" in said) == (kind in ("rows twice", "all twice"))
    assert ("repeat the names" in said) == (kind == "names again")


def test_a_frame_that_is_the_index_of_a_parquet(tmp_path):
    WALK.set_index("frame").to_parquet(tmp_path / "t.parquet")
    assert sources.tables([tmp_path / "t.parquet"]) == [tmp_path / "t.parquet"]
    assert len(imported(tmp_path / "t.parquet").tracks) == len(WALK) + 1


def test_an_archive_cut_short_is_no_other_file(tmp_path):
    packed = gzip.compress(WALK.sample(frac=40, replace=True).to_csv(index=False).encode())
    (tmp_path / "t.csv.gz").write_bytes(packed[: len(packed) // 2])
    assert sources.tables([tmp_path / "t.csv.gz"]) == [tmp_path / "t.csv.gz"]
    with pytest.raises(ValueError, match=r"t\.csv\.gz cannot be read: Compressed file ended"):
        imported(tmp_path / "t.csv.gz")


def test_the_same_tracks_twice(tmp_path):
    for name in ("a.csv", "b.csv"):
        WALK.to_csv(tmp_path / name, index=False)
    WALK.sample(frac=1, random_state=0).to_parquet(tmp_path / "c.parquet")
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "c.parquet")]
    with pytest.raises(ValueError, match=r"a\.csv and .*b\.csv are the same table of tracks"):
        sources.tables(paths)
    with pytest.raises(ValueError, match=r"a\.csv and c\.parquet hold the same tracks"):
        convert([read(path, Columns(), None) for path in paths[::2]], sections(SETTINGS), None)


def test_times_without_a_unit_are_said_not_to_be_used(tmp_path):
    WALK.assign(time=WALK["frame"] / 25).to_csv(tmp_path / "t.csv", index=False)
    found = imported(tmp_path / "t.csv")
    assert found.tuning["scale"]["fps"] is None
    assert "The times of t.csv (time) have no unit" in " ".join(found.tuning["warnings"])


def test_config_says_what_a_table_does_not(tmp_path):
    odd = WALK.rename(columns={"particle": "who", "frame": "when", "x": "a", "y": "b"})
    odd.to_csv(tmp_path / "t.csv", index=False)
    columns = {"particle": "who", "frame": "when", "x": "a", "y": "b"}
    assert sources.tables([tmp_path / "t.csv"]) == []
    assert sources.tables([tmp_path / "t.csv"], Columns(**columns)) == [tmp_path / "t.csv"]
    assert sources.tables([tmp_path / "t.csv"], alone=True) == [tmp_path / "t.csv"]
    (tmp_path / "words.txt").write_text("the video is on the other disk")
    assert sources.tables([tmp_path / "words.txt"], alone=True) == []
    assert len(imported(tmp_path / "t.csv", FILM, columns).tracks) == 360
    np.savetxt(tmp_path / "t.txt", WALK[["mass", "x", "y", "frame", "particle"]].to_numpy())
    with pytest.raises(ValueError, match=r"give their numbers, from 0, as tracks\.columns"):
        imported(tmp_path / "t.txt")
    numbered = {"particle": 4, "frame": 3, "x": 1, "y": 2}
    assert len(imported(tmp_path / "t.txt", FILM, numbered).tracks) == 360
    WALK.to_csv(tmp_path / "um.csv", index=False)
    found = imported(tmp_path / "um.csv", mpp=0.5, tracks__length_unit="um")
    assert found.tracks["x"].max() == pytest.approx(2 * WALK["x"].max())
    timed = WALK.assign(time=WALK["frame"] / 25 + 3.2).drop(columns="frame")
    timed.to_csv(tmp_path / "timed.csv", index=False)
    assert imported(tmp_path / "timed.csv", fps=25.0).tracks["frame"].max() == 91


def test_frames_fall_on_the_films_clock_and_into_its_runs(tmp_path):
    tick = np.array([0, 1, 2, -1, 5, 6, 7])
    film = Film((120, 160), (Shown("f", 0, tick), Shown("f", 7, np.arange(5))), fps=10.0)
    walk(gap=False).to_csv(tmp_path / "t.csv", index=False)
    found = imported(tmp_path / "t.csv", film)
    seen = found.tracks[~found.tracks["filled"]]
    assert sorted(seen.loc[seen["run"] == 0, "frame"].unique()) == [0, 1, 2, 5, 6, 7]
    assert sorted(seen.loc[seen["run"] == 1, "frame"].unique()) == list(range(5))
    assert not set(seen.loc[seen["run"] == 0, "particle"]) & set(
        seen.loc[seen["run"] == 1, "particle"]
    )
    # Nothing is put where the film has no frame.
    assert set(found.tracks.loc[found.tracks["run"] == 0, "frame"]) <= {0, 1, 2, 5, 6, 7}
    assert found.tuning["scale"]["fps"] == 10.0
    assert "30 rows of t.csv are of frames" in " ".join(found.tuning["warnings"])
    WALK.assign(frame=WALK["frame"] + 1).to_csv(tmp_path / "one.csv", index=False)
    counted = imported(tmp_path / "one.csv", FILM)
    assert counted.tracks["frame"].min() == 0
    assert "counted from 1" in " ".join(counted.tuning["warnings"])


def test_xml_that_grows_and_pickles_are_not_followed(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    path = tmp_path / "t.xml"
    path.write_text(f"{bomb}<TrackMate><Model>&b;</Model></TrackMate>")
    with pytest.raises(ValueError, match=r"t\.xml cannot be read.*DTD"):
        read(path, Columns(), None)
    path.write_text("<TrackMate><Model></TrackMate>")
    with pytest.raises(ValueError, match=r"t\.xml cannot be read: mismatched tag"):
        read(path, Columns(), None)
    np.save(tmp_path / "t.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert sources.tables([tmp_path / "t.npy"]) == []
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["other"] = np.arange(5)
    assert sources.tables([tmp_path / "t.h5"]) == []


def test_what_goes_out_is_read_by_trackpy_napari_and_back(tmp_path):
    ours(tmp_path / "tracks.csv", WALK)
    back = pd.read_csv(tmp_path / "tracks.csv")
    msd = trackpy.emsd(back, 1.0, 1.0, max_lagtime=3)
    assert msd.to_numpy() == pytest.approx(trackpy.emsd(WALK, 1.0, 1.0, max_lagtime=3).to_numpy())
    layer = np.loadtxt(tmp_path / "tracks.csv", delimiter=",", skiprows=1)[:, :4]
    assert layer == pytest.approx(WALK[["particle", "frame", "y", "x"]].to_numpy())
