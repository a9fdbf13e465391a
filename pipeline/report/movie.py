"""The side-by-side movie: experiment and model, coloured by what changed since the first frame."""

from __future__ import annotations

import io
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pipeline.report import style
from pipeline.report.figure import data_uri, table_uri
from pipeline.report.results import Absent, Results
from pipeline.trajectory import Trajectory

LIMIT = 4_000_000  # bytes of the film
FRAMES = 96


class Movie(NamedTuple):
    """An h264 film, its poster and its numbers, each as a data URI."""

    video: str
    poster: str
    csv: str
    width: int
    height: int
    alt: str
    caption: str


def displacement(trajectory: Trajectory, k: int) -> np.ndarray:
    """Distance (N,) of every particle from where it was in the first frame; NaN if absent."""
    moved = trajectory.position[k] - trajectory.position[0]
    lengths = np.asarray(trajectory.box.lengths)
    wrap = np.where(trajectory.box.periodic, np.round(moved / lengths), 0)
    distance = np.linalg.norm(moved - wrap * lengths, axis=1)
    return np.where(trajectory.present[k] & trajectory.present[0], distance, np.nan)


def common(results: Results) -> tuple[Trajectory, Trajectory]:
    """Experiment and rollout on the frames and particles that both have."""
    model = results.trajectory(f"{results.first.folder}/rollout.h5")
    whole = results.trajectory()
    same = np.abs(whole.time[:, None] - model.time) < 0.01 * whole.dt
    same &= whole.run[:, None] == model.run
    rows, columns = np.nonzero(same)
    if len(rows) < 3:
        raise Absent("Experiment and rollout share fewer than three frames: no movie.")
    if rows[-1] - rows[0] != len(rows) - 1 or not np.array_equal(whole.particle, model.particle):
        raise Absent("Experiment and rollout do not follow the same particles: no movie.")
    return (
        whole.window(slice(rows[0], rows[-1] + 1)),
        model.window(slice(columns[0], columns[-1] + 1)),
    )


def side_by_side(results: Results) -> Movie:
    """Render, encode under 4 MB, and embed. Raises Absent where there is no rollout to show."""
    pair = common(results)
    count = len(pair[0].time)
    chosen = np.unique(np.linspace(0, count - 1, min(FRAMES, count)).round().astype(int))
    values = [[displacement(one, k) for one in pair] for k in chosen]
    names = ["experiment", results.first.source]
    frames = _render(pair, names, chosen, values, results)
    video = _encode(frames)
    poster = iio.imwrite("<bytes>", frames[-1], extension=".jpg", quality=80)
    unit = results.unit("length")
    label = style.name(names[1])
    return Movie(
        data_uri(video, "video/mp4"),
        data_uri(poster, "image/jpeg"),
        table_uri(_table(pair, chosen, values)),
        frames.shape[2],
        frames.shape[1],
        f"Film of the test block, experiment left and {label} right, coloured by displacement.",
        f"Both sides start from the same frame; colour is the displacement since then "
        f"({unit or 'reduced units'}), on one scale, so the same regions should darken.",
    )


def _table(pair: tuple[Trajectory, ...], chosen: np.ndarray, values: list) -> pd.DataFrame:
    """Median and 95th percentile of the coloured quantity against time."""
    rows = {"time": pair[0].time[chosen]}
    for side, name in enumerate(("experiment", "model")):
        column = np.array([v[side] for v in values])
        rows[f"{name}_median"] = np.nanmedian(column, axis=1)
        rows[f"{name}_p95"] = np.nanquantile(column, 0.95, axis=1)
    return pd.DataFrame(rows)


def _render(pair, names, chosen, values, results) -> np.ndarray:
    """Frames (K, H, W, 3) uint8, H and W even as h264 asks."""
    low, high = _range(values)
    box = pair[0].box
    ratio = float(box.lengths[1] / box.lengths[0])
    drawing = Figure(figsize=(9.6, float(np.clip(4.1 * ratio, 2.4, 5.6)) + 0.9), dpi=100)
    canvas = FigureCanvasAgg(drawing)
    panels = drawing.subplots(1, 2)
    area = float(np.clip(0.45 * 280**2 * min(ratio, 1) / max(pair[0].present[0].sum(), 1), 1, 60))
    dots = []
    for axes, name in zip(panels, names, strict=True):
        dots.append(
            axes.scatter(
                [], [], s=area, cmap=style.MAP, norm=LogNorm(low, high, True), linewidths=0
            )
        )
        axes.set(
            xlim=(box.origin[0], box.origin[0] + box.lengths[0]),
            aspect="equal",
            ylim=(box.origin[1] + box.lengths[1], box.origin[1]),
            title=style.name(name),
            xticks=[],
            yticks=[],
        )
    unit = results.unit("length")
    drawing.colorbar(
        dots[0], ax=panels, shrink=0.8, pad=0.01, label=style.quantity("Displacement", unit)
    )
    clock = drawing.text(0.012, 0.015, "", fontsize=11)
    frames = []
    for k, sides in zip(chosen, values, strict=True):
        for one, dot, value in zip(pair, dots, sides, strict=True):
            seen = np.isfinite(value)
            dot.set_offsets(one.position[k, seen, :2])
            dot.set_array(np.maximum(value[seen], low))
        clock.set_text(f"t = {pair[0].time[k] - pair[0].time[0]:.4g} {results.unit('time')}")
        canvas.draw()
        if not frames:
            drawing.set_layout_engine("none")  # laid out once; otherwise panels would jump
        image = np.asarray(canvas.buffer_rgba())[..., :3]
        frames.append(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2].copy())
    return np.array(frames)


def _range(values: list) -> tuple[float, float]:
    every = np.concatenate([side for frame in values[1:] for side in frame])
    every = every[np.isfinite(every) & (every > 0)]
    if not every.size:
        raise Absent("No particle moved between the frames shared by experiment and rollout.")
    low, high = np.quantile(every, [0.02, 0.995])
    return float(low), float(max(high, 1.01 * low))


def _encode(frames: np.ndarray) -> bytes:
    """h264 in mp4, at the best quality that stays under the limit."""
    for quality in (24, 30, 36, 42):
        stream = io.BytesIO()
        with iio.imopen(stream, "w", plugin="pyav", extension=".mp4") as file:
            file.init_video_stream("libx264", fps=12, pixel_format="yuv420p")
            file._video_stream.options = {"crf": str(quality), "preset": "medium"}
            for frame in frames:
                file.write_frame(frame)
        if len(stream.getvalue()) < LIMIT:
            break
    return stream.getvalue()
