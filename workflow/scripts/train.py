"""Trains one model with one seed; goes on where an interrupted run stopped."""

from pipeline import console

console.prepare(snakemake.log[0], snakemake.threads)
