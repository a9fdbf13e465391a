"""What the data cannot support, in sentences: said first, and instead of a light."""

from __future__ import annotations

from contextlib import suppress

from pipeline.analysis.d2min import together
from pipeline.analysis.diffusion import diffusion
from pipeline.analysis.runs import runs
from pipeline.report.figures import tracking
from pipeline.report.html import number, percent
from pipeline.report.results import Absent, Results
from pipeline.trajectory import blocks, too_short

TOGETHER = 0.15  # least correlation of the displacements of neighbours
SHARED = 0.3  # correlation of the velocities of neighbours beyond which they are no heat


def is_resolved(results: Results) -> bool:
    """Whether the velocity outlives two frames."""
    return bool(results.trajectory().attributes.get("velocity_resolved", True))


def resolved(results: Results) -> None:
    """Raises Absent where there is no velocity that a model with inertia could be judged by."""
    if not is_resolved(results):
        raise Absent(
            "The velocity is not resolved, so a model with inertia has nothing to learn from this "
            "video: neither agreement nor disagreement with it would mean anything."
        )


def companions(results: Results) -> None:
    """Raises Absent where neighbours do not move together, so that D2min is empty."""
    value, lag = _together(results)
    if value < TOGETHER:
        raise Absent(
            f"Neighbours move independently of each other (their displacements over {lag} "
            f"correlate by {value:.2f}, and {TOGETHER:g} is needed): D²min here is the motion of "
            "single particles over again, and not rearrangement."
        )


def _together(results: Results) -> tuple[float, str]:
    """Correlation of the displacements of neighbours, and the lag in words."""
    attrs = results.statistic("experiment", "d2min").attrs
    lag = int(attrs["together_lag"])
    return float(attrs["together"]), f"{lag} frame{'s' if lag > 1 else ''}"


def independent(results: Results) -> bool:
    """Whether there are neighbours and each goes its own way."""
    try:
        return _together(results)[0] < TOGETHER
    except Absent:
        return False


def neighbourhoods(results: Results) -> str:
    """Whether D2min means rearrangement here."""
    companions(results)
    value, lag = _together(results)
    return (
        f"Neighbours move together: their displacements over {lag} correlate by {value:.2f} (1 in "
        "a body that moves as one piece, 0 in a gas), so departures from a smooth strain mean "
        "something."
    )


def unsupported(results: Results) -> list[str]:
    """The sentences that stand before everything else; empty for data that support it all."""
    said = []
    with suppress(Absent):
        if not is_resolved(results):
            said.append(
                f"The velocity is not resolved at this frame rate: {_steps(results)}. Forces, "
                "friction, temperature and entropy on this page are therefore no statement about "
                "the sample; tracking, g(r) and the mean squared displacement are."
            )
    for check in (companions, passive, few):
        try:
            check(results)
        except Absent as absent:
            said.append(str(absent))
    return list(dict.fromkeys(said))


def _steps(results: Results) -> str:
    """What the steps of an unresolved motion are."""
    if tracking.measure(results).share > 0.5:
        return "steps between frames are mostly error of the positions"
    if diffusive(results):
        return "steps between frames are independent of each other, as in diffusion"
    return "particles move together with their neighbours, but no step tells the one after the next"


def diffusive(results: Results) -> bool:
    """Whether particles that forget their steps also go their own ways."""
    try:
        return _together(results)[0] < TOGETHER
    except Absent:  # too dilute to have neighbours
        return True


def passive(results: Results) -> None:
    """Raises Absent where particles seem to be carried or to drive themselves.

    At thermal equilibrium the velocities of two particles at one time are independent, however
    strong the forces between them. Simulated data say themselves what drives them.
    """
    trajectory = results.trajectory()
    if trajectory.attributes["velocity"] != "backward difference" or not is_resolved(results):
        return
    cutoff = results.statistic("experiment", "d2min").attrs["cutoff"]
    value = together(runs(trajectory), 1, float(cutoff))
    if value > SHARED:
        raise Absent(
            f"Neighbours share their velocity (correlation {value:.2f}; 0 at thermal equilibrium): "
            "the particles are carried by a flow, or drive themselves as rollers, swimmers and "
            "cells do. The model is passive: it knows forces between pairs, friction and heat, but "
            "no drive. What it calls temperature and friction here stands in for the drive, and "
            "its rearrangements are not to be trusted."
        )


def few(results: Results) -> None:
    """Raises Absent, with the split that was taken, where the video is very short."""
    split = results.settings.split
    trajectory = results.trajectory()
    if too_short(trajectory, split.train, split.validation):
        parts = blocks(trajectory, split.train, split.validation)
        train, validation, test = (rows.stop - rows.start for rows in parts.values())
        raise Absent(
            f"With {len(trajectory.time)} frames the model learned from {train}, was chosen on "
            f"{validation} and is judged on {test}: whatever takes longer than that cannot be "
            "seen, and agreement over so few frames is easily had."
        )


def model(results: Results) -> str:
    """How far what was learned can be read."""
    if is_resolved(results):
        passive(results)
        return (
            "Forces and friction are read from how velocities change from frame to frame; the "
            "frame rate resolves them here."
        )
    return (
        "Not to be read as physics: the velocity is not resolved at this frame rate, and what the "
        "model calls forces, friction and temperature only describes the scatter of the steps."
    )


def motion(results: Results) -> str:
    """What the steps say where they are independent: the diffusion coefficient."""
    if is_resolved(results):
        return "The velocity outlives several frames, so these curves show the motion itself."
    if not diffusive(results):
        return (
            "Particles move together with their neighbours, yet a step does not tell the one after "
            "the next: the sample is moved about within less than two frames, and these curves "
            "show how far it gets, not how it moves. This is no diffusion."
        )
    found = diffusion(results.trajectory())
    noise = tracking.measure(results)
    if found.low <= 0 or noise.share > 0.5:
        return (
            "The particles hardly move between frames: "
            f"{percent(noise.share)} of the variance of their steps is error of the positions."
        )
    length, time = results.unit("length"), results.unit("time").removesuffix("s") or "s"
    return (
        "The steps are independent of each other, so the short times of these curves hold no "
        f"velocity. Taken as diffusion they give D = {number(found.value)} (95 %: "
        f"{number(found.low)} to {number(found.high)}) {length}²/{time} for the mean over all "
        "particles followed, from the covariance of successive steps, relative to their mean "
        "motion; the mean squared displacement in the plane is 4 D times the lag."
    )
