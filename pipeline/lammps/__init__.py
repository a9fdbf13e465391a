"""A trained model as a LAMMPS potential file, and runs of it."""
