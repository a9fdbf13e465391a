"""Settings of the statistics."""

from __future__ import annotations

from pipeline.schema import Section, key


class Statistics(Section):
    """What is measured, in the mean neighbour distance a and the snapshot interval."""

    d2min_cutoff: float = key(
        "Non-affine motion: neighbours closer than this many neighbour distances a.",
        default=1.5,
        unit="in mean neighbour distances",
        above=0.3,
        most=10,
    )
    d2min_threshold: float = key(
        "D2min per bond, in a^2, above which a particle counts as rearranged.",
        default=0.015,
        unit="in a^2",
        above=0,
        most=100,
    )
    lag: int | None = key(
        "Lag in frames of the D2min maps, histograms and streamlines; null takes half of the test "
        "block.",
        default=None,
        unit="frames",
        least=1,
        most=1_000_000_000,
    )
    blur: bool = key(
        "Look at the model through the same microscope: add the measured localisation error to its "
        "positions before measuring it.",
        default=True,
    )
    longest_lag: int | None = key(
        "Longest lag of MSD and VACF, frames; null takes half of the test block.",
        default=None,
        unit="frames",
        least=1,
        most=1_000_000_000,
    )
    snapshots: int = key(
        "Snapshots that g(r) is averaged over, at most.", default=40, least=1, most=1_000_000_000
    )
    rearrangements: bool = key(
        "Measure D2min and streamlines; of a gas they say nothing and take long.", default=True
    )
    period: float | None = key(
        "Period of an oscillatory shear, frames: rearrangements are then counted by cycle, those "
        "undone when the strain comes back apart from those that stay. null: found in the film.",
        default=None,
        unit="frames",
        least=4,
        most=1_000_000_000,
    )
    paper_window: int | None = key(
        "Errors by the paper's window too: over its last snapshots, this many, from one time "
        "origin. null: no.",
        default=None,
        unit="snapshots",
        least=2,
        most=1_000_000_000,
    )

    jobs: int = key(
        "Jobs that share the time origins of every source between them, each those of a block of "
        "time. 1: one job. For long films and large samples on a cluster 4 to 16; every job holds "
        "the whole window in memory.",
        default=1,
        unit="jobs that share the time origins",
        least=1,
        most=1000,
    )

    r_max: float = 8.0  # largest distance of g(r) [a], lowered to half of a narrow window
    origins: int = 100  # time origins of D2min, at most
    patch: float = 4.0  # side of the patches that are resampled [a]
