"""Every number of the comparison with the paper, one per row."""

from pipeline import process
from pipeline.files import whole

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline.report.paper.numbers import table

path = Path(snakemake.output.table)
found = table(path.parent.parent, snakemake.params.origins)
with whole(path) as partial:
    found.to_csv(partial, index=False)
