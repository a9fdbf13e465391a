"""Trajectories that other programs wrote."""
