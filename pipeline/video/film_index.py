"""What straight decoding of a film shows, frame by frame, and when its frames were taken."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

UNSTAMPED = np.iinfo(np.int64).min
SWAPPED = 16  # frames, at most, by which a time may stand beside its own: B frames and threads
ROUNDED = 0.51  # ticks, by which a stamp differs from the time it stands for


class FilmIndex(NamedTuple):
    """What straight decoding shows, frame by frame.

    Containers differ in what their time stamps and key frames are worth (edit lists, B frames in
    AVI, open groups of pictures, program streams), so frames are known by their content.

    Fields:
        stamp: (N,) int64, time stamps in units of `tick`, UNSTAMPED where there is none.
        mark: (N,) uint32, checksum of the first plane of pixels as decoded.
        key: (N,) bool, where decoding may begin, if the container is right.
        tick: seconds.
        rate: frames per second that the container states, 0 where it states none.
    """

    stamp: np.ndarray
    mark: np.ndarray
    key: np.ndarray
    tick: float
    rate: float = 0.0

    @property
    def seconds(self) -> np.ndarray | None:
        """(N,) times of the frames [s], None where one has no stamp or they do not increase.

        Containers made for films without B frames (AVI) give each frame a time of its own and a few
        frames those of each other: in the order of the times they are right.
        """
        stamp, order = np.sort(self.stamp), np.argsort(self.stamp, kind="stable")
        swapped = np.abs(order - np.arange(len(order))).max(initial=0)
        if (self.stamp == UNSTAMPED).any() or (np.diff(stamp) <= 0).any() or swapped > SWAPPED:
            return None
        number = self._counted(stamp - stamp[0])
        return (stamp - stamp[0]) * self.tick if number is None else number / self.rate

    def _counted(self, stamp: np.ndarray) -> np.ndarray | None:
        """(N,) numbers of frames at the stated rate, if stamps are its times, rounded to ticks.

        Matroska counts milliseconds: 700 frames a second come after 1, 2, 1, 2, ... of them.
        """
        if not self.rate or np.ptp(stamp) == 0:
            return None
        every = 1.0 / (self.rate * self.tick)  # ticks
        for shift in (0.0, 0.5):  # rounded, or cut off
            number = np.round((stamp + shift) / every)
            if (np.diff(number) > 0).all() and np.abs(
                number * every - stamp - shift
            ).max() <= ROUNDED:
                return number - number[0]
        return None

    @property
    def mixed(self) -> bool:
        """Whether the times of some frames stand beside those of others."""
        return self.seconds is not None and bool((np.diff(self.stamp) <= 0).any())
