"""The open questions of the paper, each answered with what was measured here."""
