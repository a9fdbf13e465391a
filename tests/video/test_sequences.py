"""What the names of images say of their order, their time, and of which series they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.files import natural
from pipeline.video.sequences import Source, sequences


def found(*names: str) -> list[Source]:
    return sequences([Path("/d") / name for name in sorted(names, key=natural)], "d")


@given(
    st.sets(st.integers(0, 10**6), min_size=2, max_size=30),
    st.integers(1, 8),
    st.sampled_from(["f_", "img", "2024-01-01 run ", "T76S3F", ""]),
)
def test_whole_numbers_with_gaps(numbers, digits, prefix):
    (run,) = found(*(f"{prefix}{n:0{digits}d}.png" for n in numbers))
    assert run.numbers == tuple(float(n) for n in sorted(numbers))
    assert [float(p.stem[len(prefix) :]) for p in run.paths] == sorted(numbers)


@given(st.integers(2, 40), st.integers(1, 4), st.integers(1, 9))
def test_decimals_of_equal_length(count, digits, step):
    values = [step * k / 10**digits for k in range(count)]
    (run,) = found(*(f"t={v:.{digits}f}s.png" for v in values))
    assert run.numbers == pytest.approx(values)


def test_decimals_that_end_where_they_end():
    (run,) = found(*(f"t_{k / 2:g}.png" for k in range(25)))
    assert run.numbers == tuple(k / 2 for k in range(25))


def test_counts_after_a_point():
    (run,) = found(*(f"s1.{k}.png" for k in range(1, 13)))
    assert run.numbers == tuple(map(float, range(1, 13)))


def test_time_of_day():
    (run,) = found(*(f"12{m:02d}{s:02d}.png" for m in (0, 1) for s in range(60)))
    assert run.numbers is not None
    assert {b - a for a, b in zip(run.numbers, run.numbers[1:], strict=False)} == {1.0}


def test_several_prefixes_are_several_runs():
    names = [f"a_{k}.png" for k in range(5)] + [f"b_{k}.png" for k in range(3)]
    first, second = found(*names)
    assert (first.name, len(first.paths)) == ("a", 5)
    assert (second.name, len(second.paths)) == ("b", 3)


@pytest.mark.parametrize("pattern", ["pos{}_t{}.png", "{}_{:03d}.png"])
def test_a_second_run_is_a_second_run(pattern):
    both = found(*(pattern.format(p, t) for p in (1, 2) for t in range(9)))
    assert [run.numbers for run in both] == [tuple(map(float, range(9)))] * 2
    assert len({run.name for run in both}) == 2


def test_a_number_that_tells_the_order_of_all():
    (run,) = found(*(f"f{k:03d}_{33 * k}ms.png" for k in range(9)))
    assert run.numbers == tuple(33.0 * k for k in range(9))
    (run,) = found(*(f"part{k // 5}_{k:03d}.png" for k in range(10)))
    assert run.numbers == tuple(map(float, range(10)))


FIVE = [f"img_{k:03d}.png" for k in range(5)]
REFUSED = {
    "copy (1)": ([*FIVE, "img_002 (1).png"], r"looks like a copy of img_002\.png"),
    "copy": ([*FIVE, "img_002 - Copy.png"], r"looks like a copy of img_002\.png"),
    "copy of": ([*FIVE, "copy of img_002.png"], r"looks like a copy of img_002\.png"),
    "format": ([*FIVE, "img_002.jpg"], "one image in two formats"),
    "number": ([*FIVE, "img_02.png"], "have the same number"),
    "background": ([*FIVE, "dark.png"], r"dark\.png is not named as the 5 images"),
    "hexadecimal": ([f"img_{k:02x}.png" for k in range(30)], r"hexadecimal \(img_0a\.png\)"),
    "hexadecimal, from 250": (
        [f"img_{k:x}.png" for k in range(250, 280)],
        r"numbered in hexadecimal .*: number them in decimal digits",
    ),
    "no number": (
        ["img.png", *(f"img{k}.png" for k in range(1, 6))],
        r"img\.png has no number, and the 5 images beside it \(img1\.png \.\.\.\) have one",
    ),
    "channels": (
        [f"img_{k:03d}_ch{c}.png" for k in range(9) for c in (0, 1)],
        r"hold 2 channels \(ch0",
    ),
    "words": (
        [f"img_{k}_{word}.png" for k in range(9) for word in ("dapi", "gfp")],
        r"differ in what follows their number",
    ),
    "pairs": ([f"img_{k}_{c}.png" for k in range(9) for c in "AB"], "two exposures of a pair"),
    "planes": ([f"img_{k}_z{z}.png" for k in range(9) for z in range(3)], "hold 3 focal planes"),
    "plus": ([f"t{k:+d}.png" for k in range(-4, 5)], "differ in a minus before their number"),
    "minus": ([f"t{k}.png" for k in range(-4, 5)], "differ in a minus before their number"),
    "unnamed": ([f"{k:03d}_{c}.png" for k in range(9) for c in (0, 1)], "differ in 2 numbers"),
}


@pytest.mark.parametrize(("names", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_names_that_leave_the_order_open(names, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        found(*names)
    assert len(str(caught.value).splitlines()) == 1


def test_letters_that_count_nothing_are_no_hexadecimals():
    """Wells of a plate, and a word that happens to be of such letters."""
    assert len(found(*(f"{row}{k}.png" for row in "ab" for k in range(1, 10)))) == 2
    (run,) = found(*(f"face{k}.png" for k in range(12)))
    assert run.numbers == tuple(map(float, range(12)))


def test_windows_numbers_are_no_copies():
    (run,) = found(*(f"IMG ({k}).png" for k in range(1, 12)))
    assert run.numbers == tuple(map(float, range(1, 12)))


def test_names_without_numbers_keep_their_order():
    (run,) = found("b.png", "a.png", "c.png")
    assert ([p.name for p in run.paths], run.numbers) == (["a.png", "b.png", "c.png"], None)


def test_both_decimal_marks_and_both_endings():
    (run,) = found(
        *(f"t={k / 25:.2f}s.{'tif' if k % 2 else 'tiff'}".replace(".", ",", 1) for k in range(40))
    )
    assert run.numbers == pytest.approx([k / 25 for k in range(40)])


@example(["25.0"] * 9)
@given(st.lists(st.sampled_from(["24.9", "25.0", "25.1", "25.2"]), min_size=9, max_size=40))
def test_a_count_beside_readings_is_the_order(readings):
    names = [
        f"T{value}C_{k:03d}.png" for k, value in enumerate([*readings, "25.0", "24.9", "25.3"])
    ]
    (run,) = found(*names)
    assert [path.name for path in run.paths] == names


def test_channels_that_share_a_count_are_runs():
    names = [f"{light}nm_{k:03d}.png" for k, light in enumerate([405, 488] * 6)]
    assert [len(run.paths) for run in found(*names)] == [6, 6]
