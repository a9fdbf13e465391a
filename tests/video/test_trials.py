"""Settings tried around those in use: what is counted is what the detector finds."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.video.detect import locate
from pipeline.video.frames import open_run
from pipeline.video.sources import runs
from pipeline.video.trials import trials
from pipeline.video.tune import tune


@pytest.fixture(scope="module")
def tried(rendered):
    video = open_run(*runs(rendered()[0]))
    parameters = tune([video]).parameters
    return video, parameters, trials([video], parameters)


def test_the_settings_in_use_stand_in_the_middle(tried):
    video, parameters, made = tried
    assert made.frame == 2
    assert made.grid[1][1].changes == {}
    assert len(made.used.found) == len(locate(video[2], parameters.detection))
    assert made.counts[1] == (2, len(made.used.found))
    assert not made.used.new.any()
    assert not len(made.used.lost)


def test_every_trial_is_what_its_own_settings_find(tried):
    video, parameters, made = tried
    for trial in (*(t for row in made.grid for t in row), *made.others):
        table = locate(video[2], parameters._replace(**trial.changes).detection)
        assert len(trial.found) == len(table)
        assert len(trial.lost) - trial.new.sum() == len(made.used.found) - len(trial.found)


def test_a_lower_threshold_loses_nothing(tried):
    *_, made = tried
    for row in made.grid:
        counts = [len(trial.found) for trial in row]
        assert counts == sorted(counts, reverse=True)


def test_minmass_follows_the_diameter(tried):
    """The same share of the particles passes, though a wider mask sums up more light."""
    _, parameters, made = tried
    small, large = made.grid[0][1], made.grid[2][1]
    assert small.changes["minmass"] < parameters.minmass < large.changes["minmass"]
    assert len(small.lost) <= 0.02 * len(made.used.found)


def test_the_other_polarity_finds_other_places(tried):
    *_, made = tried
    dark = made.others[-1]
    assert dark.changes == {"polarity": "dark"}
    assert dark.new.all()
    assert len(dark.lost) == len(made.used.found)


def test_a_threshold_too_high_gives_empty_trials(tried):
    video, parameters, _ = tried
    parameters = parameters._replace(minmass=1e9)
    made = trials([video], parameters)
    assert len(made.used.found) == 0
    assert np.shape(made.grid[0][0].found) == (0, 2)
