"""From microscopy video to a physical model: everything the workflow calls, importable by itself."""
