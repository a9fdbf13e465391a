"""Every model has a look of its own."""

from __future__ import annotations

import pytest

from pipeline.report import style


@pytest.mark.parametrize("model", [m for m in style.COLOURS if m not in ("experiment", "truth")])
def test_every_model_has_a_look_of_its_own(model: str) -> None:
    assert style.line(f"{model}_seed3") == style.line(model)
    others = [style.COLOURS[m] for m in style.COLOURS if m != model]
    assert style.COLOURS[model] not in others
