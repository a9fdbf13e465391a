"""Drawing two samples of particles frame by frame, and packing the frames as h264."""

from __future__ import annotations

import io
from typing import NamedTuple

import av
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pipeline.analysis.runs import Run
from pipeline.report import style
from pipeline.report.records import Absent
from pipeline.trajectory import Box

LIMIT = 3_000_000  # bytes of a film: 4 MB as text in the page
RATE = 12  # frames per second, fewer where a film would be over before it is seen
LENGTH = 4  # least duration [s], as long as there is a frame a second
BAND = 0.5  # inches at the foot, for the clock and the controls that players lay over a film
DRIVEN = (0.80, 0.82, 0.84, 1.0)


class Colour(NamedTuple):
    """What the dots are coloured by: value (K, 2, N), NaN for those left grey; axis label."""

    value: np.ndarray
    label: str


def render(
    pair: tuple[Run, ...], names: tuple[str, str], rows: np.ndarray, colour: Colour, unit: str
) -> np.ndarray:
    """Frames (K, H, W, 3) uint8 of two runs side by side, H and W even as h264 asks.

    Args:
        pair: the two runs, on one clock.
        names: their titles.
        rows: (K,) the snapshots to draw.
        colour: of every particle in these snapshots.
        unit: of time.

    Raises:
        Absent: if nothing ever changed.
    """
    known = colour.value[np.isfinite(colour.value) & (colour.value > 0)]
    if not known.size:
        raise Absent("No particle moved between the frames shared by experiment and rollout.")
    low, high = np.quantile(known, [0.1, 0.998])
    tint = ScalarMappable(LogNorm(low, max(high, 1.01 * low), clip=True), style.MAP)
    drawing, dots = _stage(pair, names, tint, colour.label)
    clock = drawing.text(0.012, 0.02, "")
    canvas = FigureCanvasAgg(drawing)
    frames = []
    for k, row in enumerate(rows):
        for side, (run, dot) in enumerate(zip(pair, dots, strict=True)):
            value = colour.value[k, side]
            seen = np.flatnonzero(run.seen[row])
            seen = seen[np.argsort(np.nan_to_num(value[seen], nan=-1.0))]  # active ones on top
            face = tint.to_rgba(np.nan_to_num(value[seen], nan=low).clip(low))
            face[~np.isfinite(value[seen])] = DRIVEN
            dot.set_offsets(run.position[row, seen, :2])
            dot.set_facecolor(face.tolist())
        clock.set_text(f"t = {pair[0].time[row] - pair[0].time[0]:.4g} {unit}")
        canvas.draw()
        drawing.set_layout_engine("none")  # laid out once: panels must not jump
        image = np.asarray(canvas.buffer_rgba())[..., :3]
        frames.append(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2].copy())
    return np.array(frames)


def _stage(
    pair: tuple[Run, ...], names: tuple[str, str], tint: ScalarMappable, label: str
) -> tuple[Figure, list[PathCollection]]:
    """Two empty panels with one colour bar."""
    low, high = _view(pair)
    ratio = float(np.clip((high[1] - low[1]) / (high[0] - low[0]), 0.3, 1.4))
    height = 4.15 * ratio + 0.75 + BAND
    drawing = Figure(figsize=(9.6, height), dpi=100)
    drawing.set_layout_engine("constrained", rect=(0, BAND / height, 1, 1 - BAND / height))
    panels = list(drawing.subplots(1, 2))
    count = max(int(run.seen.sum(axis=1).max()) for run in pair)
    size = float(np.clip(0.6 * (72 * 4.1) ** 2 * min(ratio, 1) / max(count, 1), 1, 80))
    dots = []
    for axes, name in zip(panels, names, strict=True):
        dots.append(axes.scatter([], [], s=size, linewidths=0))
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
        axes.set(title=name, xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(True)
    bar = drawing.colorbar(tint, ax=panels, label=label, extend="both", pad=0.015, aspect=28)
    style.plain_log(bar.ax.yaxis, *tint.get_clim())
    return drawing, dots


def _view(pair: tuple[Run, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Corners of what is shown: the box, or where particles go if they leave it."""
    box: Box = pair[0].box
    place = pair[0].position[pair[0].seen][:, :2]
    margin = 0.01 * np.asarray(box.lengths)[:2]
    low = np.maximum(place.min(axis=0), box.origin[:2]) - margin
    high = np.minimum(place.max(axis=0), (box.origin + box.lengths)[:2]) + margin
    return low, high


def encode(frames: np.ndarray) -> bytes:
    """h264 in mp4, at the best of four qualities that stays under the limit."""
    rate = int(np.clip(len(frames) // LENGTH, 1, RATE))
    for quality in (22, 28, 34, 42):
        stream = io.BytesIO()
        with av.open(stream, "w", format="mp4") as file:
            video = file.add_stream("libx264", rate=rate)
            video.width, video.height = frames.shape[2], frames.shape[1]
            video.pix_fmt = "yuv420p"
            video.options = {"crf": str(quality), "preset": "medium"}
            for frame in frames:
                file.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            file.mux(video.encode())
        if len(stream.getvalue()) < LIMIT:
            break
    return stream.getvalue()
