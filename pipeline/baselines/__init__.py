"""Models to compare with: a drift and a noise for velocities, no entropy."""
