"""The page that sets our numbers beside the paper's."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

import pandas as pd

from pipeline.report import index, page, provenance
from pipeline.report.paper.numbers import Collection
from pipeline.report.paper.page import content
from pipeline.schema import read
from pipeline.settings import Settings

written = Path(snakemake.output.report)
settings = {name: read(Settings, each) for name, each in snakemake.params.settings.items()}
found = Collection(written.parent.parent, pd.read_csv(snakemake.input.table), settings)
facts = provenance.collect(
    {},
    repository=Path(snakemake.scriptdir).parents[1],
    seeds=sorted(set(found.table["seed"])),
    command=index.command(written),
    stages={},
)
page.publish(written, content(found, settings, facts), facts)
