"""Dates and times of day in the names of images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

HOUR, MINUTE, SECOND = r"(?P<H>[01]\d|2[0-3])", r"(?P<M>[0-5]\d)", r"(?P<S>[0-5]\d)(?!\d)"
FRACTION = r"(?:[.,](?P<f>\d+))?"
DATED = re.compile(
    r"(?<!\d)(?P<Y>(?:19|20)\d\d)[-_.]?(?P<m>0[1-9]|1[0-2])[-_.]?(?P<d>0[1-9]|[12]\d|3[01])"
    rf"[-_ .at]*{HOUR}[-_.:h]?{MINUTE}[-_.:m]?{SECOND}{FRACTION}"
)
# Six digits alone may be a count.
UNDATED = re.compile(rf"(?<![\da-z]){HOUR}[-_.:h]{MINUTE}[-_.:m]{SECOND}{FRACTION}")


def seconds(stems: Sequence[str]) -> list[float] | None:
    """The times that names of files give [s].

    None where they give none, or differ in something else: then a number beside the time counts.
    """
    lower = [stem.lower() for stem in stems]
    for pattern in (DATED, UNDATED):
        found = [match for stem in lower if (match := pattern.search(stem))]
        if len(found) < len(lower):
            continue
        rest = {f.string[: f.start()] + "#" + f.string[f.end() :] for f in found}
        try:
            times = [_seconds(f.groupdict()) for f in found]
        except ValueError:  # the 31st of February
            return None
        return times if len(rest) == 1 and len(set(times)) == len(times) else None
    return None


def _seconds(parts: dict[str, str | None]) -> float:
    year, month, day = (int(parts.get(key) or 1) for key in "Ymd")
    hour, minute, second = (int(parts[key] or 0) for key in "HMS")
    midnight = datetime(year, month, day).toordinal() * 86400.0
    return midnight + 3600 * hour + 60 * minute + second + float(f"0.{parts['f'] or 0}")
