"""Statistics of trajectories with intervals and noise floors; knows no model."""
