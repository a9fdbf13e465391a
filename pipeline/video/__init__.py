"""Video to tracks in pixels and frames; knows no model."""
