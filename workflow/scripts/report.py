"""One self-contained page about a data set."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline import h5md
from pipeline.report import index, page, provenance
from pipeline.schema import read
from pipeline.settings import Settings

name = snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
folder = Path(snakemake.output.report).parent
settings = read(Settings, snakemake.params.settings)
facts = provenance.collect(
    data.attributes.get("inputs", {}),
    repository=Path(snakemake.scriptdir).parents[1],
    seeds=list(range(settings.seeds)),
    command=index.command(snakemake.output.report),
    stages=provenance.stages(folder / "benchmarks"),
)
page.write(snakemake.output.report, folder, settings, facts, snakemake.output.figures)
