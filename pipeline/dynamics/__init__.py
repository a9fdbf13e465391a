"""Steps and rollouts, and the audit of the laws along them."""
