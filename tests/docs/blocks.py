"""Runs the fenced blocks of a page, here and now: python tests/docs/blocks.py PAGE.

sh blocks are given to bash; python blocks share their names, as in a notebook. A block after
"<!-- not run: why -->" is left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

FENCE = re.compile(r"(<!-- not run: [^\n]+ -->\n)?```(sh|python)\n(.*?)```\n", re.DOTALL)


class Block(NamedTuple):
    """A fenced block and the line of its page that it starts in."""

    language: str  # sh | python
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Every sh and python block of a page but those marked as not run."""
    text = page.read_text()
    return [
        Block(found[2], found[3], text.count("\n", 0, found.start(3)))
        for found in FENCE.finditer(text)
        if not found[1]
    ]


def run(page: Path) -> None:
    """Runs the blocks of a page in their order.

    Raises:
        subprocess.CalledProcessError: if a command fails.
        Exception: whatever a python block raises, with its place in the page.
    """
    names: dict[str, Any] = {}
    for block in blocks(page):
        begin = time.perf_counter()
        if block.language == "sh":
            subprocess.run(["bash", "-euc", block.text], check=True)
        else:
            # The empty lines make a traceback speak of the lines of the page.
            exec(compile("\n" * block.line + block.text, page, "exec"), names)
        print(f"{page.name}:{block.line} {time.perf_counter() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
