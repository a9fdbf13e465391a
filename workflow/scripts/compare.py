"""Errors of every model against the experiment, with intervals and noise floors."""

from pipeline import console
from pipeline.files import whole

console.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline.analysis.comparison import Source, comparison
from pipeline.analysis.statistics import read

experiment, _ = read(snakemake.input.experiment)
sources = []
for path in snakemake.input.models:
    model, _, seed = Path(path).stem.rpartition("_seed")
    found, attributes = read(path)
    sources.append(Source(model, int(seed), found, str(attributes.get("stopped", ""))))
table = comparison(snakemake.wildcards.name, experiment, sources)
with whole(snakemake.output.comparison) as partial:
    table.to_csv(partial, index=False)
