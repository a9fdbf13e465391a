"""A training without the whole steps at its end, for tests of all else."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.learn import train


def quick_train(*arguments: Any, **named: Any) -> None:
    """`pipeline.learn.train.train` but for its refinement, which takes longer than short trainings.

    Refinement has tests of its own, and those of what a training leaves behind run it, too.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "refine", lambda task: False)
        train.train(*arguments, **named)
