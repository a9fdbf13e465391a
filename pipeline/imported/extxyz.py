"""XYZ files, plain and extended; particles may have any name, not only those of elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from MDAnalysis.lib.util import openany

from pipeline.imported.frames import Frame, rectangular

PLAIN = "species:S:1:pos:R:3"
POSITIONS = ("pos", "positions", "position")
VELOCITIES = ("velo", "vel", "velocities", "velocity", "v")  # momenta: nobody says in which unit
TIMES = ("time", "t")
STEPS = ("step", "timestep", "frame")
ENTRY = re.compile(r"""([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")


def frames(path: Path) -> Iterator[Frame]:
    """Snapshots of an XYZ file; keys and columns of the extended format where they are given.

    Raises:
        ValueError: if a snapshot is cut short or does not have the columns it declares.
    """
    with openany(str(path), "rt") as file:
        for first in file:
            if not first.strip():
                continue
            if not first.strip().isdigit():
                raise ValueError(
                    f"{path.name} should give a number of particles where it has {first.strip()!r}."
                )
            comment = file.readline()
            rows = [line.split() for line in islice(file, int(first))]
            if len(rows) < int(first):
                raise ValueError(
                    f"{path.name} ends after {len(rows)} of {first.strip()} particles: it was cut "
                    f"short; take the last snapshot away."
                )
            yield _frame(rows, comment, path)


def _frame(rows: list[list[str]], comment: str, path: Path) -> Frame:
    known = {key.lower(): a or b or c for key, a, b, c in ENTRY.findall(comment)}
    columns = _columns(rows, known.get("properties", PLAIN), path)
    position = next((columns[name] for name in POSITIONS if name in columns), None)
    if position is None:
        raise ValueError(f"{path.name} has no column pos: it declares {', '.join(columns)}.")
    velocity = next((columns[name] for name in VELOCITIES if name in columns), None)
    order = np.argsort(_numbers(columns["id"])[:, 0]) if "id" in columns else slice(None)
    label = next((columns[name] for name in ("species", "type") if name in columns), None)
    lengths, origin = _box(known, path)
    flags = known.get("pbc", "").split()
    time = next((float(known[key]) for key in TIMES if key in known), None)
    step = next((int(float(known[key])) for key in STEPS if key in known), None)
    return Frame(
        position=_vectors(position)[order],
        velocity=None if velocity is None else _vectors(velocity)[order],
        lengths=lengths,
        origin=origin,
        periodic=tuple(flag[0] in "Tt1" for flag in flags) if len(flags) == 3 else None,  # type: ignore[arg-type]
        time=time,
        step=step,
        species=None if label is None else _kinds(label)[order],
        dimension=2 if position.shape[1] == 2 else None,
    )


def _columns(rows: list[list[str]], properties: str, path: Path) -> dict[str, np.ndarray]:
    """Columns (N, k) of text by name, as name:type:width triples declare them."""
    parts = properties.split(":")
    widths = [int(width) for width in parts[2::3]]
    if len({len(row) for row in rows}) > 1 or len(rows[0]) < sum(widths):
        raise ValueError(
            f"{path.name} has rows of {min(len(row) for row in rows)} columns and declares "
            f"{sum(widths)} ({properties})."
        )
    table, edges = np.array(rows), np.cumsum([0, *widths])
    names = [name.lower() for name in parts[0::3]]
    return {name: table[:, a:b] for name, a, b in zip(names, edges, edges[1:], strict=False)}


def _numbers(text: np.ndarray) -> np.ndarray:
    return text.astype(float)


def _vectors(text: np.ndarray) -> np.ndarray:
    """(N, 3) with z = 0 where a file has two coordinates."""
    found = _numbers(text)
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))


def _kinds(label: np.ndarray) -> np.ndarray:
    return np.unique(label[:, 0], return_inverse=True)[1].astype(np.int32)


def _box(known: dict[str, str], path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    if "lattice" not in known:
        return None, None
    edges = np.array(known["lattice"].split(), dtype=float).reshape(3, 3)
    rectangular(edges - np.diag(np.diag(edges)), path)
    origin = known.get("origin")
    return np.diag(edges).copy(), None if origin is None else np.array(origin.split(), dtype=float)
