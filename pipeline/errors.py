"""The one exception that is meant for the user; every other one is a fault of the program."""

from __future__ import annotations


class InputError(ValueError):
    """What was given cannot be used; the message is one sentence for whoever gave it.

    It names the quantity or the file, the bound or what was expected, the value that was met, and
    what to do. Whatever else ends a stage (a ValueError of numpy, say) is shown as a fault of the
    program, with its traceback.
    """
