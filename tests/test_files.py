"""The one walker of a folder, checksums, and what is said of a file that cannot be read."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import files
from pipeline.errors import InputError


def lay(home: Path, layout: dict[str, str]) -> Path:
    """Files with a content, links as "-> target", folders as names that end in /."""
    for name, content in layout.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_text(content)
    return home


FOUND = {
    "natural order": ({"f10": "", "f9": "", "F1": ""}, ["F1", "f9", "f10"]),
    "a folder's own first": ({"b/x": "", "a/x": "", "z": ""}, ["z", "a/x", "b/x"]),
    "nothing hidden": ({".x": "", ".git/x": "", "a": ""}, ["a"]),
    "an empty folder": ({"a/": ""}, []),
    "a linked folder is seen": ({"d/": "", "../other/x": "", "d/l": "-> ../../other"}, ["d/l/x"]),
    "a linked file is seen": ({"l": "-> ../other/x", "../other/x": ""}, ["l"]),
    "a link to a neighbour is one": ({"b": "1", "a": "-> b"}, ["b"]),
    "a linked neighbour folder is one": ({"b/x": "1", "a": "-> b"}, ["b/x"]),
    "a hard link is one": ({"b": "1", "a": "hard b"}, ["a"]),
    "a link to itself's folder": ({"x": "", "loop": "-> ."}, ["x"]),
    "a loop above": ({"d/x": "", "d/up": "-> .."}, ["d/x"]),
    "two links in a circle": ({"a/x": "", "b/": "", "a/b": "-> ../b", "b/a": "-> ../a"}, ["a/x"]),
    "braces": ({"a{b}": "", "<img>": "", "two\nlines": ""}, ["<img>", "a{b}", "two\nlines"]),
    "digits that are none": ({"a²": "", "a1²3": ""}, ["a1²3", "a²"]),
}


@pytest.mark.parametrize(("layout", "expected"), FOUND.values(), ids=FOUND.keys())
def test_what_the_walker_finds(tmp_path, layout, expected):
    home = tmp_path / "home"
    home.mkdir()
    hard = {name: text[5:] for name, text in layout.items() if text.startswith("hard ")}
    lay(home, {name: text for name, text in layout.items() if name not in hard})
    for name, target in hard.items():
        os.link(home / target, home / name)
    assert [str(path.relative_to(home)) for path in files.walk(home)] == expected


@given(st.recursive(st.just(""), lambda inner: st.dictionaries(st.sampled_from("abc"), inner)))
def test_every_file_is_found_once_whatever_the_tree(tmp_path_factory, tree):
    home = tmp_path_factory.mktemp("tree")

    def grow(place: Path, inside: dict | str) -> int:
        if isinstance(inside, str):
            place.write_text(inside)
            return 1
        place.mkdir(exist_ok=True)
        (place / "back").symlink_to(home)
        return sum(grow(place / name, more) for name, more in inside.items())

    count = grow(home / "root", tree)
    found = files.walk(home)
    assert len(found) == len({path.resolve() for path in found}) == count


REFUSED = {
    "a link to nowhere": ({"film.avi": "-> /nowhere/film.avi"}, "film.avi leads nowhere"),
    "a link to itself": ({"film.avi": "-> film.avi"}, "film.avi leads nowhere"),
    "a pipe": ({}, "pipe is neither a file nor a folder"),
    "a name that is no text": ({}, "no text: rename it"),
}


@pytest.mark.parametrize(("layout", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_walker_refuses(tmp_path, layout, said):
    lay(tmp_path, layout)
    if "pipe" in said:
        os.mkfifo(tmp_path / "pipe")
    if "no text" in said:
        (tmp_path / os.fsdecode(b"\xff.avi")).write_text("")
    with pytest.raises(InputError, match=said):
        files.walk(tmp_path)


def test_a_link_to_a_whole_disk_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 100)
    lay(tmp_path, {f"other/{k}": "" for k in range(200)} | {"home/disk": "-> ../other"})
    with pytest.raises(InputError, match="more than 100 files"):
        files.walk(tmp_path / "home")


def test_checksums_follow_the_content_and_not_the_date(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = Path("film.avi")
    film.write_bytes(b"x" * 3_000_000)
    os.utime(film, (1e9, 1e9))
    first = files.checksums([film])
    assert first == {"film.avi": hashlib.sha256(b"x" * 3_000_000).hexdigest()}
    # An older file of the same length, laid there as `cp -p` does.
    film.write_bytes(b"y" * 3_000_000)
    os.utime(film, (1e9, 1e9))
    second = files.checksums([film])
    assert second != first
    os.utime(film, (2e9, 2e9))
    assert files.checksums([film]) == second


def test_what_did_not_change_is_not_read_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("film.avi").write_bytes(b"x")
    monkeypatch.setattr(files.time, "time", lambda: 2e10)  # long after it was written
    known = files.checksums([Path("film.avi")])
    monkeypatch.setattr(files, "sha256", lambda path: pytest.fail("it was read again"))
    assert files.checksums([Path("film.avi")]) == known
    for damage in (b"", b"{", b"[1]", b'{"a": 3}', b"\xff\xfe"):
        files.CACHE.write_bytes(damage)
        with pytest.raises(pytest.fail.Exception):
            files.checksums([Path("film.avi")])


def test_files_that_change_while_they_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lay(tmp_path, {"data/a/1.png": "1", "data/a/README.md": "note"})
    mark = files.content_mark(files.checksums(files.data_files("data/a")))
    with files.unchanged("data/a", mark) as sums:
        Path("data/a/README.md").write_text("another note")
    assert list(sums) == ["data/a/1.png"]
    changes = {
        "another content": lambda: Path("data/a/1.png").write_text("2"),
        "one more": lambda: Path("data/a/2.png").write_text("2"),
    }
    for change in changes.values():
        with (
            pytest.raises(InputError, match=r"data/a/\d.png changed while it was read"),
            files.unchanged("data/a", mark),
        ):
            change()
        with (
            pytest.raises(InputError, match="changed since this run was planned"),
            files.unchanged("data/a", mark),
        ):
            pytest.fail("it was not refused")
        lay(tmp_path, {"data/a/1.png": "1"})


def read(path: Path) -> object:
    with files.reading(path, "a list of numbers"):
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                return file["numbers"][:]
        return json.loads(path.read_text())["numbers"]


DAMAGED = {
    "nothing": ("a.json", None, "does not exist"),
    "empty": ("a.json", b"", "JSONDecodeError"),
    "cut": ("a.json", b'{"numbers": [1', "JSONDecodeError"),
    "no text": ("a.json", b"\xff\xfe{}", "UnicodeDecodeError"),
    "another": ("a.json", b'{"words": 3}', "it lacks 'numbers'"),
    "deep": ("a.json", b"[" * 100_000, "RecursionError"),
    "no HDF5": ("a.h5", b"nothing of the kind", "OSError"),
    "empty HDF5": ("a.h5", b"", "OSError"),
    "cut HDF5": ("a.h5", -500, "OSError"),
}


@pytest.mark.parametrize(("name", "content", "said"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_named_with_what_it_should_be(tmp_path, name, content, said):
    path = tmp_path / name
    if isinstance(content, int):
        with h5py.File(path, "w") as file:
            file["numbers"] = range(1000)
        os.truncate(path, path.stat().st_size + content)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read(path)
    words = str(refusal.value)
    assert words.startswith(str(path))
    assert "a list of numbers" in words
    assert said in words
    assert content is None or "delete it and run the same command again" in words


def test_values_that_were_changed_by_hand_are_refused(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"b": [1, float("nan"), "µ"], 3: None})
    assert files.read_json(path, "a file of values", "b").keys() == {"b", "3"}
    path.write_text(path.read_text().replace("[1,", "[2,"))
    with pytest.raises(InputError, match=r"a\.json is not .* was changed since it was written"):
        files.read_json(path, "a file of values")


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path):
    """Of a file that may not grow beyond a kilobyte, as by `ulimit -f`, nothing is left behind."""
    path = tmp_path / "a.json"
    files.write_json(path, {"a": "before"})
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
from pipeline.files import write_json
write_json({str(path)!r}, dict(a="x" * 100_000))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "File too large" in done.stderr
    assert json.loads(path.read_text())["a"] == "before"
    assert os.listdir(tmp_path) == ["a.json"]
