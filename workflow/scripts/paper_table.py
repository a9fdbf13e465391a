"""Every number of the comparison with the paper, one per row."""

from pipeline import process
from pipeline.files import whole

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline.report import provenance
from pipeline.report.paper.measured import table

path = Path(snakemake.output.table)
commit = provenance.commit(Path(snakemake.scriptdir).parents[1])
found = table(path.parent.parent, snakemake.params.origins, snakemake.params.sizes, commit)
with whole(path) as partial:
    found.to_csv(partial, index=False)
