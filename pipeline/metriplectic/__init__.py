"""The model: drift, noise and covariance of particles with an entropy."""
