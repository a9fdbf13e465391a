"""Statistics of a rollout, measured as the experiment was and seen through its microscope.

All of them, or what one block of time counts.
"""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import numpy as np

from pipeline import h5md
from pipeline.analysis import conservation, microscope, statistics
from pipeline.analysis.runs import Share
from pipeline.settings import sections

chosen = sections(snakemake.params.settings).statistics
name = snakemake.wildcards.name
settings, attributes = statistics.planned(
    snakemake.input.experiment, dataset=name, source="experiment"
)
source = h5md.read(snakemake.input.rollout, dataset=name, source=snakemake.wildcards.source)
if chosen.blur and (sigma := attributes["localisation_error"]):
    source = microscope.blur(source, sigma, np.random.default_rng(0))
everyone, known = source.free.all(axis=0), {"dataset": name, "source": snakemake.wildcards.source}
if path := snakemake.output.get("counts"):
    share = Share(*snakemake.params.share)
    statistics.write_counts(path, statistics.count(source, settings, everyone, share), known)
else:
    counted = statistics.read_counts(snakemake.input.counts, **known)
    found = statistics.measure(source, settings, everyone, counted=counted)
    attributes |= known | {"stopped": conservation.stopped(snakemake.input.rollout)}
    statistics.write(snakemake.output.statistics, found, attributes)
