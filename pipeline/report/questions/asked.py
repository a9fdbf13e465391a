"""What the page of the open questions is made of: several data sets, and which for what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from pipeline.analysis.metric import Metric
from pipeline.analysis.statistics import read
from pipeline.report.paper.numbers import title
from pipeline.report.results import Absent, Results, Run
from pipeline.settings import Questions, Settings

Made = TypeVar("Made")


class Asked:
    """The results of the data sets that the questions are asked of.

    Args:
        root: the folder results/.
        settings: of each data set.
        questions: which data sets each question is asked of.
    """

    def __init__(self, root: Path, settings: Mapping[str, Settings], questions: Questions) -> None:
        self.root, self.settings, self.questions = root, settings, questions

    @cache  # noqa: B019  (one short-lived object per page)
    def results(self, dataset: str) -> Results:
        return Results(self.root / dataset, self.settings.get(dataset))

    @cache  # noqa: B019
    def each(self, question: str, make: Callable[[Asked, str], Made]) -> dict[str, Made]:
        """What ``make`` finds in every data set that a question is asked of.

        Raises Absent, with the reasons of all, where it finds nothing in any.
        """
        found, reasons = {}, []
        for dataset in getattr(self.questions, question):
            try:
                found[dataset] = make(self, dataset)
            except Absent as absent:
                reasons.append(str(absent))
        if not found:
            raise Absent(" ".join(dict.fromkeys(reasons)) or "It was asked of no data set.")
        return found

    def models(self, dataset: str) -> list[str]:
        """The metriplectic models of a data set, first the one that its verdict speaks of."""
        runs = self.results(dataset).runs
        if not runs:
            raise Absent(f"No model was trained on {title(dataset)}.")
        others = [run.model for run in runs if run.model.startswith("metriplectic")]
        return list(dict.fromkeys([runs[0].model, *others]))

    def trainings(self, dataset: str, model: str | None = None) -> list[Run]:
        """All trainings of a model; None: of the one that the verdict of a data set speaks of."""
        model = model or self.models(dataset)[0]
        return [run for run in self.results(dataset).runs if run.model == model]

    def rollouts(
        self, dataset: str, group: str, model: str | None = None
    ) -> dict[Run, list[Metric]]:
        """A statistic of every rollout of those trainings; only of those that have it."""
        folder = self.root / dataset / "statistics"
        found: dict[Run, list[Metric]] = {}
        for run in self.trainings(dataset, model):
            paths = [folder / f"{run.source}.h5", *sorted(folder.glob(f"{run.source}_rollout*.h5"))]
            metrics = (read(path)[0].get(group) for path in paths if path.exists())
            found[run] = [one for one in metrics if one is not None and not one.missing]
        return {run: metrics for run, metrics in found.items() if metrics}

    def experiment(self, dataset: str, group: str) -> Metric:
        """A statistic of the data. Raises Absent where there is none."""
        path = self.root / dataset / "statistics" / "experiment.h5"
        found = read(path)[0].get(group) if path.exists() else None
        if found is None or found.missing:
            raise Absent(f"Of {title(dataset)} there is no {group}.")
        return found


def spread(values: tuple[float, float, float], digits: int = 2) -> str:
    """ "0.81 (0.75 to 0.88)"."""
    value, low, high = (f"{x:.{digits}f}".replace("-", "−") for x in values)
    return f"{value} ({low} to {high})"
