"""What the data cannot support, in sentences: said first, and instead of a light."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pipeline.analysis.activity import by_heat
from pipeline.report import diffusion
from pipeline.report.figures import surroundings, tracking
from pipeline.report.html import number, percent
from pipeline.report.results import Absent, Results, singular
from pipeline.split import blocks, too_short

TOGETHER = 0.15  # least correlation of the displacements of neighbours
EVEN = 0.03  # how much more alike than by heat speeds must be to be called driven
SHARED = 0.3  # correlation of the velocities of neighbours beyond which they are no heat


def is_resolved(results: Results) -> bool:
    """Whether the velocity outlives two frames."""
    return bool(results.trajectory().attributes.get("velocity_resolved", True))


def regime(results: Results) -> str:
    """inertial, overdamped or unknown: what the steps of tracked particles tell."""
    attributes = results.trajectory().attributes
    return str(attributes.get("regime", "inertial" if is_resolved(results) else "unknown"))


def circumstances(results: Results) -> list[str]:
    """What kind of film this is: how particles move, and whether they come and go."""
    said = []
    with suppress(Absent):
        attributes = results.trajectory().attributes
        if why := attributes.get("regime_why"):
            said.append(_motion(results, regime(results), str(why)))
    with suppress(Absent):
        if edge := results.trajectory().attributes.get("edge"):
            said.append(f"{edge['why'][0].upper()}{edge['why'][1:]}.")
    if other := results.settings.models_of:
        said.append(
            f"The models on this page were trained on another data set, {other}: what is said of "
            "training and of what was learned is about that one."
        )
        return said
    with suppress(Absent):
        said.append(surroundings.balance(results))
    if drag := surroundings.drag(results):
        said.append(drag)
    return said


def _motion(results: Results, name: str, why: str) -> str:
    if name == "inertial":
        with suppress(Absent):  # where no neighbours tell
            if driven(results):
                return f"Steps persist, by a drive or a flow rather than by inertia: {why}."
        return f"The motion is inertial: {why}."
    if name == "unknown":
        return f"Whether the motion is inertial or overdamped cannot be said: {why}."
    return (
        f"The motion is overdamped: {why}. {diffusion.coefficient(results)}"
        f"{diffusion.viscosity(results)} Mass, velocity and temperature of the particles are not "
        "in this film: what is judged is diffusion, forces over kT, g(r) and the mean squared "
        "displacement."
    )


def resolved(results: Results) -> None:
    """Raises Absent where nothing could be said of a model: neither inertia nor diffusion."""
    if not is_resolved(results) and regime(results) != "overdamped":
        raise Absent(
            "The velocity is not resolved, so a model with inertia has nothing to learn from this "
            "video: neither agreement nor disagreement with it would mean anything."
        )


def companions(results: Results) -> None:
    """Raises Absent where neighbours do not move together, so that D2min is empty."""
    if why := alone(results):
        raise Absent(why)


def alone(results: Results) -> str:
    """Why D2min is empty here: neighbours do not move together. "" where they do."""
    value, lag = _together(results)
    if not value < TOGETHER:
        return ""
    return (
        f"Neighbours move independently of each other (their displacements over {lag} correlate by "
        f"{value:.2f}, and {TOGETHER:g} is needed): D²min here is the motion of single particles "
        "over again, and not rearrangement."
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
        if not is_resolved(results) and regime(results) != "overdamped":
            said.append(
                f"The velocity is not resolved at this frame rate: {_steps(results)}. Forces, "
                "friction, temperature and entropy on this page are therefore no statement about "
                "the sample; tracking, g(r) and the mean squared displacement are."
            )
    for reason in (alone, driven, brief):
        try:
            said.append(reason(results))
        except Absent as absent:  # nor can it be told
            said.append(str(absent))
    return [sentence for sentence in dict.fromkeys(said) if sentence]


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


def driven(results: Results) -> str:
    """Why particles seem to be carried or to drive themselves; "" where they do not.

    At thermal equilibrium the velocities of two particles at one time are independent and normally
    distributed, however strong the forces between them. Simulated data say themselves what drives
    them.
    """
    if results.trajectory().attributes["velocity"] != "backward difference":
        return ""
    film = results.statistic("experiment", "d2min").attrs
    value = float(film.get("film_together", math.nan))
    share, shared = value > SHARED and is_resolved(results), ""
    if share:
        told = _within(film, "film_together")
        shared = f"share their velocity (correlation {told} and 0 at thermal equilibrium)"
    if own := _drive(results, film):
        cause = f"The particles are active, as rollers, swimmers and cells are: {own}"
        cause += f" Neighbours {shared}." if share else ""
    elif share:
        cause = (
            f"Neighbours {shared}: the particles are carried by a flow, or drive themselves as "
            "rollers, swimmers and cells do."
        )
    else:
        return ""
    return (
        f"{cause} The model is passive: it knows forces between pairs, friction and heat, but no "
        "drive. What it calls temperature and friction here stands in for the drive, and its "
        "rearrangements are not to be trusted."
    )


def drives_itself(results: Results) -> bool:
    """Whether the displacements of a film's particles are too alike for heat."""
    film = results.statistic("experiment", "d2min").attrs
    heat = by_heat(results.trajectory().dimension)
    if not float(film.get("drive_alike", 0.0)) > heat + EVEN:
        return False
    return float(film["drive_alike_low"]) > heat


def _drive(results: Results, film: Mapping[str, Any]) -> str:
    """The drive of particles whose displacements are too alike for heat; "" of others."""
    if not drives_itself(results):
        return ""
    heat = by_heat(results.trajectory().dimension)
    lag = int(film["drive_lag"])
    speed = f"{results.unit('length')}/{singular(results.unit('time'))}"
    return (
        f"displacements over {lag} frame{'s' if lag > 1 else ''} are too alike for heat (mean over "
        f"rms {_within(film, 'drive_alike')} and {heat:.2f} by Maxwell's distribution). A drive of "
        f"{_within(film, 'drive_speed', f' {speed}')} of its own for each particle makes "
        f"{percent(float(film['drive_share']))} ({percent(float(film['drive_share_low']))} to "
        f"{percent(float(film['drive_share_high']))}) of their mean square."
    )


def _within(film: Mapping[str, Any], name: str, unit: str = "") -> str:
    """ "0.95, 95 %: 0.94 to 0.96"."""
    value, low, high = (number(float(film[name + end])) for end in ("", "_low", "_high"))
    return f"{value}{unit}, 95 %: {low} to {high},"


def brief(results: Results) -> str:
    """Why agreement means little where the video is very short, with the split; else ""."""
    trajectory = results.trajectory()
    shares = results.settings.split.of(trajectory)
    if not too_short(trajectory, *shares):
        return ""
    parts = blocks(trajectory, *shares)
    train, validation, test = (rows.stop - rows.start for rows in parts.values())
    return (
        f"With {len(trajectory.time)} frames the model learned from {train}, was chosen on "
        f"{validation} and is judged on {test}: whatever takes longer than that cannot be seen, "
        "and agreement over so few frames is easily had."
    )


def model(results: Results) -> str:
    """How far what was learned can be read."""
    if is_resolved(results):
        if why := driven(results):
            raise Absent(why)
        return (
            "Forces and friction are read from how velocities change from frame to frame; the "
            "frame rate resolves them here."
        )
    if regime(results) == "overdamped":
        return (
            "The motion is overdamped: forces over kT and mobilities can be read, mass and "
            "friction only as what D = kT / (mass × friction) makes of them."
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
    noise = tracking.measure(results)
    if regime(results) != "overdamped":
        return (
            "The particles hardly move between frames: "
            f"{percent(noise.share)} of the variance of their steps is error of the positions."
        )
    return (
        "The steps forget each other within a frame, so the short times of these curves hold no "
        f"velocity. {diffusion.coefficient(results)} What lags tell is from the covariances of "
        "steps, relative to their mean motion, with the error of the positions and the back-push "
        "of neighbours told apart by their lags; the mean squared displacement in the plane begins "
        "as 4 D times the lag, and neighbours bend it down."
    )
