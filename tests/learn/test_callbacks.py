"""What watches the training."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from pipeline.learn.callbacks import OVERFLOWS, Overflow


def test_an_overflowed_gradient_is_left_out_and_many_are_an_error() -> None:
    module, guard = torch.nn.Linear(2, 1), Overflow()
    trainer, none = SimpleNamespace(global_step=7), None

    def step(value: float) -> float:
        for p in module.parameters():
            p.grad = torch.full_like(p, value)
        guard.on_before_optimizer_step(trainer, module, none)
        return float(module.weight.grad.abs().max())

    assert step(0.5) == 0.5
    for _ in range(OVERFLOWS):
        assert step(float("inf")) == 0.0
    assert step(0.5) == 0.5
    for _ in range(OVERFLOWS):
        assert step(float("nan")) == 0.0
    with pytest.raises(ValueError, match="last at step 7"):
        step(float("inf"))
