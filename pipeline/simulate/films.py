"""The simulations that are filmed, by the kind that a config file names.

Each gives the truth of a film in px and frames, and the camera that takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.simulate import langevin, monolayer
from pipeline.simulate.render import Camera
from pipeline.trajectory import Trajectory

MONOLAYERS = {"monolayer": monolayer.COLLOIDS, "monolayer_matched": monolayer.MATCHED}
KINDS = (*MONOLAYERS, *langevin.KINDS)


def simulate(options: Mapping[str, Any], video: Mapping[str, Any], dataset: str) -> Trajectory:
    """The truth of a film.

    Args:
        options: the section `simulate` of the settings: kind, seed and parameters of that kind.
        video: the section `video`, for mpp and fps where they are given.
        dataset: its name, stored with the trajectory.

    Raises:
        ValueError: if there is no such kind, or the parameters contradict each other.
    """
    chosen: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in options.items()
    }
    chosen |= {key: video[key] for key in ("mpp", "fps") if video[key] is not None}
    kind, seed = chosen.pop("kind"), chosen.pop("seed", 0)
    if kind in MONOLAYERS:
        return monolayer.simulate(MONOLAYERS[kind]._replace(**chosen), seed, dataset)
    if kind not in langevin.KINDS:
        raise ValueError(f"There is no filmed system {kind!r}: choose from {', '.join(KINDS)}.")
    base = langevin.KINDS[kind]
    if "temperature" in chosen:  # inertial, then, whatever the kind was
        chosen.setdefault("diffusion", None)
    return langevin.simulate(base._replace(**chosen), seed, dataset)


def camera(truth: Trajectory, video: Mapping[str, Any]) -> Camera:
    """The camera that films a simulated sample: its view, and the look of its particles."""
    of = truth.attributes
    base = Camera(view=tuple(of["view"]), mpp=video["mpp"], fps=video["fps"])
    if "spot" not in of:
        return base
    plain = {"ring": 0.0, "gradient": 0.0, "peak": of["peak"], "background": of["background"]}
    return base._replace(
        diameters=(of["spot"] / base.core,), gain=220 / (of["peak"] + of["background"]), **plain
    )
