"""From microscopy video to a physical model: what the workflow calls, importable."""
