"""Statistics of a rollout, measured as the experiment was and seen through its microscope."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import numpy as np

from pipeline import h5md
from pipeline.analysis import conservation, microscope, statistics
from pipeline.settings import sections

chosen = sections(snakemake.params.settings).statistics
name = snakemake.wildcards.name
settings, attributes = statistics.planned(
    snakemake.input.experiment, dataset=name, source="experiment"
)
source = h5md.read(snakemake.input.rollout, dataset=name, source=snakemake.wildcards.source)
if chosen.blur and (sigma := attributes["localisation_error"]):
    source = microscope.blur(source, sigma, np.random.default_rng(0))
found = statistics.measure(source, settings, source.free.all(axis=0))
attributes |= {
    "source": snakemake.wildcards.source,
    "stopped": conservation.stopped(snakemake.input.rollout),
}
statistics.write(snakemake.output.statistics, found, attributes)
