"""Question 3: is the entropy that no one measured the same whenever it is learned?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.uniqueness import (
    Estimate,
    agreement,
    correlation,
    explained,
    over_time,
    share_of_particles,
)
from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.html import percent
from pipeline.report.paper.numbers import title
from pipeline.report.questions.asked import Asked, spread
from pipeline.report.results import Absent, Group
from pipeline.report.tables import Table
from pipeline.report.verdict import Light

QUESTION = "Is the learned entropy unique?"
ALIKE, SIMILAR = 0.9, 0.7
RULE = (
    f"Yes: between every two trainings, with other seeds, entropies correlate by {ALIKE} or more. "
    f"With care: by {SIMILAR} or more, or by {ALIKE} once the mean of each particle is taken out, "
    "so that a constant of each is open. A constant common to all particles "
    "means nothing and is always taken out."
)
TRAITS = {"T": "temperature", "V": "volume", "mass": "brightness", "size": "size of the spot"}
TRAITS |= {"species": "species"}


class Entropies(NamedTuple):
    """Entropies (M,) of every training of a data set, for the same particles and snapshots."""

    entropies: dict[int, np.ndarray]  # by seed
    first: Group  # of the first of them
    pairs: list[tuple[int, int, Estimate]]  # places in ``entropies``
    changes: list[Estimate]  # of the pairs, of what changes in time
    true: list[Estimate]  # with the true entropies, where they are known
    traits: dict[str, np.ndarray]

    @property
    def worst(self) -> Estimate:
        return min((one for *_, one in self.pairs), key=lambda one: one.value)

    @property
    def worst_change(self) -> Estimate:
        return min(self.changes, key=lambda one: one.value)


def of(asked: Asked, dataset: str) -> Entropies:
    """Raises Absent where fewer than two trainings left their entropies."""
    groups: dict[int, Group] = {}
    results = asked.results(dataset)
    for run in asked.trainings(dataset):
        group = results.group(f"{run.folder}/learned.h5", "entropy")
        groups[run.seed] = group
    if len(groups) < 2:
        raise Absent(f"{title(dataset)} was trained once; ask with --config seeds=5.")
    first = next(iter(groups.values()))
    rows = [np.stack([g.get("particle"), g.get("snapshot")]) for g in groups.values()]
    if any(not np.array_equal(rows[0], other) for other in rows):
        raise Absent(f"The trainings of {title(dataset)} were not on the same snapshots.")
    entropies = {seed: group.get("S").astype(float) for seed, group in groups.items()}
    block = first.get("snapshot")
    pairs = agreement(list(entropies.values()), block)
    moving = [over_time(S, first.get("particle")) for S in entropies.values()]
    changes = [one for *_, one in agreement(moving, block)]
    known = first.data.get("true")
    true = [] if known is None else [correlation(S, known, block) for S in entropies.values()]
    traits = {name: first.get(name).astype(float) for name in ("T", "V")}
    run = asked.trainings(dataset)[0]
    traits |= _traits(asked, dataset, run.folder, first)
    return Entropies(entropies, first, pairs, changes, true, traits)


def _traits(asked: Asked, dataset: str, folder: str, first: Group) -> dict[str, np.ndarray]:
    """Brightness, size and species of the particles, where they were seen and vary."""
    results = asked.results(dataset)
    latent = results.group(f"{folder}/learned.h5", "latent")
    if "particle" not in latent.data:
        return {}
    labels = results.trajectory().particle[first.get("particle")]
    names = [n for n in ("mass", "size", "species") if n in latent.data]
    table = pd.DataFrame({n: latent.data[n] for n in names}, index=latent.get("particle"))
    return {n: table[n].reindex(labels).to_numpy(float) for n in names}


def table(asked: Asked) -> Table:
    """Agreement between seeds, with the truth, and what of the entropy is what."""
    rows, numbers = [], []
    for dataset, one in asked.each("entropy", of).items():
        S = next(iter(one.entropies.values()))
        own = share_of_particles(S, one.first.get("particle"))
        shares = explained(S, one.traits)
        said = ", ".join(f"{TRAITS.get(n, n)} {percent(x)}" for n, x in shares.items())
        true = min(one.true, key=lambda one: one.value, default=None)
        rows.append([
            title(dataset), str(len(one.entropies)), spread(one.worst),
            f"{one.worst_change.value:.2f}",
            spread(true) if true else "–", percent(own), said,
        ])  # fmt: skip
        numbers += [(dataset, a, b, *one) for a, b, one in one.pairs]
    columns = ["Data set", "Seeds", "Worst pair", "of changes in time"]
    columns += ["With the true, worst", "Constant in time", "Explained by"]
    caption = (
        "Correlation of the learned entropies between trainings with other seeds, on the same "
        "particles and snapshots, with 95 % intervals over snapshots; changes in time: without "
        "the mean of each particle. Constant in time: the share of the variance that stays with a "
        "particle. Explained: shares of the variance that a straight line in each takes."
    )
    made = pd.DataFrame(numbers, columns=["dataset", "one", "other", "correlation", "low", "high"])
    return Table("entropy", columns, rows, caption, made)


def figure(asked: Asked) -> Figure:
    """Entropies of two trainings, one against the other, a panel for each data set."""
    made = asked.each("entropy", of)
    drawing, axes = style.panels(len(made), height=3.3)
    tables = []
    for panel, (dataset, one) in zip(axes, made.items(), strict=True):
        (a, x), (b, y) = list(one.entropies.items())[:2]
        few = slice(None, None, max(1, len(x) // 2000))
        x, y = (S[few] - S.mean() for S in (x, y))
        panel.plot(x, y, ".", ms=2.5, alpha=0.4, color=style.COLOURS["metriplectic"])
        reach = [min(x.min(), y.min()), max(x.max(), y.max())]
        panel.plot(reach, reach, color=style.COLOURS["truth"], lw=1.0, zorder=0)
        labels = {"xlabel": f"S − mean, seed {a} ($k_B$)", "ylabel": f"S − mean, seed {b} ($k_B$)"}
        panel.set(title=title(dataset), **labels)
        tables.append(pd.DataFrame({"dataset": dataset, f"seed {a}": x, f"seed {b}": y}))
    return Figure(
        "entropy_seeds",
        drawing,
        pd.concat(tables),
        "Each dot is a particle in a snapshot: its entropy by one training against that by another "
        "with another seed. On the line both agree.",
        "Scatter of the learned entropies of two trainings, for each data set.",
        wide=len(made) > 1,
    )


def light(asked: Asked) -> Light:
    """Judged on the worst data set."""
    try:
        made = asked.each("entropy", of)
    except Absent as absent:
        return Light(QUESTION, "unknown", str(absent), RULE)
    worst = min(one.worst.value for one in made.values())
    change = min(one.worst_change.value for one in made.values())
    near = worst >= SIMILAR or change >= ALIKE
    state = "good" if worst >= ALIKE else "fair" if near else "poor"
    said = "; ".join(
        f"{title(name)}: {spread(one.worst)}, of what changes in time {one.worst_change.value:.2f}"
        for name, one in made.items()
    )
    return Light(QUESTION, state, f"Worst correlation between two seeds. {said}.", RULE)
