"""Errors of every model against the experiment, with intervals and noise floors."""

from pipeline import process
from pipeline.files import whole

process.prepare(snakemake.log[0], snakemake.threads)

import re
from pathlib import Path

from pipeline.analysis.comparison import Source, comparison, replicated
from pipeline.analysis.statistics import read

name = snakemake.wildcards.name
paths = [snakemake.input.experiment, *snakemake.input.replicas]
truths = [read(path, dataset=name, source=Path(path).stem)[0] for path in paths]
sources = []
for path in snakemake.input.models:
    model, seed, again = re.fullmatch(snakemake.params.source, Path(path).stem).groups()
    found, attributes = read(path, dataset=name, source=Path(path).stem)
    sources.append(Source(model, int(seed), found, str(attributes.get("stopped", ""))))
if len(truths) > 1:
    table = replicated(name, truths, sources)
else:
    table = comparison(name, truths[0], sources)
with whole(snakemake.output.comparison) as partial:
    table.to_csv(partial, index=False)
