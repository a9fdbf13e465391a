"""What linking did, counted block by block: the contents of linking.json."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from pipeline.video.spots import nearest

Ticks = Sequence[np.ndarray] | None
CROWD = 10  # particles of which a share can be told
FOLLOWED = 0.7  # share of the particles that is followed from frame to frame in a good video
BROKEN = 0.3  # share below which something happened to all of them


class Tally:
    """Counts of features, tracks and displacements.

    Attributes:
        lengths: (L,) detections of each label, as far as the features have been labelled.
        seen: ticks of the frames that show particles, for each run; None where nobody knows.
        moved: for each run whose drift was taken out, its least and greatest (x, y) [px].
    """

    def __init__(self, search_range: float, memory: int, seen: Ticks = None) -> None:
        self.search_range, self.memory, self.seen = float(search_range), int(memory), seen
        self.moved: dict[int, list[list[float]]] = {}
        self._followed: list[tuple[int, int, float]] = []  # run, frame, share of the particles
        self.lengths = np.zeros(0, np.int64)
        self._filled = np.zeros(0, np.int64)
        self._per_frame: list[tuple[int, int, int]] = []  # run, frame, features
        self._distances: list[np.ndarray] = []
        self._edges = np.linspace(0.0, 1.1 * self.search_range, 51)
        self._steps = np.zeros(50, np.int64)
        self._moved = self._far = 0

    def label(self, block: pd.DataFrame) -> None:
        """Counts a block of labelled features of one run."""
        self.lengths = _counted(self.lengths, block["particle"])
        run = int(block["run"].iloc[0])
        frames, counts = np.unique(block["frame"], return_counts=True)
        self._per_frame += [
            (run, frame, n) for frame, n in zip(frames.tolist(), counts.tolist(), strict=True)
        ]

    def look(self, block: pd.DataFrame) -> None:
        """Measures the distances between neighbours in a few frames spread over the video.

        To be told every block of labelled features again, when all have been counted.
        """
        for key, table in block.groupby(["run", "frame"]):
            if key in self._examples:
                points = table[["y", "x"]].to_numpy()
                self._distances.append(nearest(points))

    @cached_property
    def _examples(self) -> set[tuple[int, int]]:
        several = [(run, frame) for run, frame, count in self._per_frame if count > 1]
        chosen = np.linspace(0, len(several) - 1, min(5, len(several))).astype(int)
        return {several[k] for k in chosen}

    def move(self, step: np.ndarray) -> None:
        """Counts (M, 2) displacements between successive frames [px]."""
        size = np.hypot(*step.T)
        self._steps += np.histogram(size, self._edges)[0]
        self._moved += len(size)
        self._far += int((size > 0.9 * self.search_range).sum())

    def follow(self, end: np.ndarray, block: pd.DataFrame, before: int) -> None:
        """Counts how many of the particles of each frame were followed from the one before.

        Args:
            end: (M,) frames in which displacements end.
            before: particles in the last frame before the block, 0 where there is none.
        """
        frames, counts = np.unique(block["frame"], return_counts=True)
        least = np.minimum(counts, np.concatenate([[before], counts[:-1]]))
        linked = np.searchsorted(frames, end)
        share = np.bincount(linked, minlength=len(frames)) / np.maximum(least, 1)
        run = int(block["run"].iloc[0])
        self._followed += [
            (run, int(frame), float(part))
            for frame, part, few in zip(frames, share, least, strict=True)
            if few >= CROWD
        ]

    def fill(self, tracks: pd.DataFrame) -> None:
        """Counts the filled gaps of finished tracks."""
        self._filled = _counted(self._filled, tracks.loc[tracks["filled"], "particle"])

    def summary(self, min_length: int) -> dict[str, Any]:
        """The contents of linking.json, JSON-able.

        Args:
            min_length: detections that make a track.
        """
        kept = self.lengths >= min_length
        gaps = np.zeros_like(self.lengths)
        gaps[: len(self._filled)] = self._filled
        lengths = (self.lengths + gaps)[kept]
        count, edges = np.histogram(lengths, bins=min(50, int(lengths.max())))
        return {
            "n_features": int(self.lengths.sum()),
            "n_tracks": len(lengths),
            "n_stubs_removed": int((self.lengths > 0).sum()) - len(lengths),
            "search_range": self.search_range,
            "memory": self.memory,
            "displacement": {"edges": self._edges.tolist(), "count": self._steps.tolist()},
            "per_frame": self._counts(),
            "moved": self.moved,
            "length": {"edges": edges.tolist(), "count": count.tolist()},
            "filled": int(gaps.sum()),
            "warnings": self._warnings(),
        }

    def _counts(self) -> list[int]:
        """Particles in each frame; those that show none count, those that were left out do not."""
        if self.seen is None:
            return [count for _, _, count in self._per_frame]
        found = {(run, frame): count for run, frame, count in self._per_frame}
        return [found.get((r, t), 0) for r, some in enumerate(self.seen) for t in some.tolist()]

    def _warnings(self) -> list[str]:
        said = self._breaks()
        if empty := self._counts().count(0):
            said.append(f"in {empty} frames no particle was found at all: they count as empty.")
        near = float(np.median(np.concatenate(self._distances))) if self._distances else np.inf
        if self.search_range > 0.5 * near:
            said.append(
                f"search_range = {self.search_range:.2f} px is more than half the distance between "
                f"neighbours ({near:.2f} px): particles may be mistaken for one another."
            )
        late = self._far / max(self._moved, 1)
        if late > 0.01:
            said.append(
                f"{100 * late:.1f} % of the displacements lie within 10 % of search_range = "
                f"{self.search_range:.2f} px: particles that move farther are lost; raise it or "
                "record faster."
            )
        return said

    def _breaks(self) -> list[str]:
        """A sentence for each frame at which nearly all tracks end, in a video where few do."""
        share = np.array([part for _, _, part in self._followed])
        if not len(share) or np.median(share) < FOLLOWED:
            return []
        broken = [(run, frame) for run, frame, part in self._followed if part < BROKEN]
        if len(broken) > max(1, 0.05 * len(share)):
            return []
        return [
            f"nearly all tracks break at frame {frame} of run {run}: the view jumped or the video "
            "is cut there, or more frames are missing than link.memory bridges: what comes after "
            "count as other particles."
            for run, frame in broken
        ]


def _counted(counts: np.ndarray, labels: pd.Series) -> np.ndarray:
    """`counts` of labels 0, 1, ... with those of some more labels added."""
    more = np.bincount(labels.to_numpy(np.int64), minlength=len(counts))
    more[: len(counts)] += counts
    return more


def summary_of_tracks(tracks: pd.DataFrame, features: int) -> dict[str, Any]:
    """The same of tracks linked elsewhere; nobody says how far they were searched."""
    table = tracks.sort_values(["particle", "frame"])
    same = (table["particle"].diff() == 0) & (table["frame"].diff() == 1)
    step = np.hypot(*table.loc[:, ["x", "y"]].diff()[same].to_numpy(float).T)
    lengths = tracks.groupby("particle").size().to_numpy()
    edges = np.linspace(0.0, max(1.05 * step.max(initial=0.0), 1e-9), 51)
    count, bounds = np.histogram(lengths, bins=min(50, int(lengths.max())))
    seen = tracks[~tracks["filled"]]
    return {
        "n_features": features,
        "n_tracks": len(lengths),
        "n_stubs_removed": 0,
        "search_range": None,
        "moved": {},
        "memory": None,
        "displacement": {"edges": edges.tolist(), "count": np.histogram(step, edges)[0].tolist()},
        "per_frame": seen.groupby(["run", "frame"]).size().tolist(),
        "length": {"edges": bounds.tolist(), "count": count.tolist()},
        "filled": int(tracks["filled"].sum()),
        "warnings": _crowded(seen, step),
    }


def _crowded(seen: pd.DataFrame, step: np.ndarray) -> list[str]:
    """A warning where steps are as long as neighbours are apart: particles may be exchanged."""
    frames = [rows for _, rows in seen.groupby(["run", "frame"]) if len(rows) > 1][:5]
    if not frames or not len(step):
        return []
    points = [rows[["x", "y"]].to_numpy() for rows in frames]
    near = float(np.median(np.concatenate([nearest(p) for p in points])))
    long = float(np.mean(step > 0.5 * near))
    if long < 0.01:
        return []
    return [
        f"{100 * long:.1f} % of the steps are longer than half the distance between neighbours "
        f"({near:.2f} px): particles may be mistaken for one another."
    ]
