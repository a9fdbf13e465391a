"""Systems whose law is known, as trajectories or as films."""
