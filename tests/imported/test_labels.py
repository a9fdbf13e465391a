"""Rows without ids that change places, in every format."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.imported.written import LENGTHS, WITHOUT_IDS, few, langevin, read, seeds


@few
@given(seed=seeds, share=st.floats(0.15, 1.0), often=st.floats(0.2, 1.0), data=st.data())
def test_rows_that_change_order_without_ids_are_refused(tmp_path, seed, share, often, data):
    name = data.draw(st.sampled_from([*WITHOUT_IDS]))
    r, _ = langevin(seed, 1.0, 0.15)
    rng = np.random.default_rng(seed)
    for t in range(1, len(r)):
        if t == 3 or rng.random() < often:
            rows = rng.choice(r.shape[1], max(4, round(share * r.shape[1])), replace=False)
            r[t, rows] = r[t, rng.permutation(rows)]
    path = WITHOUT_IDS[name](tmp_path / name, r % LENGTHS)
    with pytest.raises(ValueError, match=r"change order.* ids"):
        read(path, dt=1.0)
    kept = np.arange(10.0)[:, None, None] * 0.1 + r[:1]
    again = WITHOUT_IDS[name](tmp_path / f"kept_{name}", kept % LENGTHS)
    assert read(again, dt=1.0).velocity[1:] == pytest.approx(0.1, abs=0.02)
