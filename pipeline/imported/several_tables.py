"""Tables beside each other: each is a run of its own, unless they say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.imported.raw_tracks import Raw


def refuse_parts(tables: Sequence[pd.DataFrame], raws: Sequence[Raw]) -> None:
    """Tables of one particle each, or of one frame each, are no runs: they are parts of one."""
    for role, other in (("particle", "frame"), ("frame", "particle")):
        if len(tables) > 1 and all(
            table[role].nunique() == 1 and table[other].nunique() > 1 for table in tables
        ):
            raise InputError(
                f"{raws[0].path.name} and {len(tables) - 1} other tables hold one {role} each: "
                f"put all rows into one table, for each table is a run of its own."
            )


def continued(tables: Sequence[pd.DataFrame], raws: Sequence[Raw], notes: list[str]) -> None:
    """A word on tables whose frames go on where those of another end, with the same labels."""
    parts = [(set(t["particle"]), t["frame"].min(), t["frame"].max()) for t in tables]
    for (k, (some, _, last)), (n, (others, first, _)) in permutations(enumerate(parts), 2):
        if first == last + 1 and len(some & others) > 1:
            notes.append(
                f"{raws[n].path.name} goes on where {raws[k].path.name} ends, with the same "
                f"particles: parts of one film are runs here; put them into one table to join them."
            )


def refuse_twins(tables: Sequence[pd.DataFrame], raws: Sequence[Raw]) -> None:
    """The same tracks in two files, whatever their formats."""
    plain = [
        table[["frame", "x", "y"]].sort_values(["frame", "x", "y"]).to_numpy() for table in tables
    ]
    for (k, one), (n, other) in combinations(enumerate(plain), 2):
        if one.shape == other.shape and np.allclose(one, other, rtol=1e-6):
            raise InputError(
                f"{raws[k].path.name} and {raws[n].path.name} hold the same tracks: take one of "
                f"them away."
            )
