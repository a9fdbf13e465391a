"""From a trajectory to a trained model on disk."""
