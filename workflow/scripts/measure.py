"""Statistics of one source on the particles and frames of the evaluation window."""

from pipeline import console

console.prepare(snakemake.log[0], snakemake.threads)

import numpy as np

from pipeline import graphs, h5md, trajectory
from pipeline.analysis import conservation, microscope, statistics
from pipeline.analysis.settings import Options, described, plan

chosen = snakemake.params.settings
wanted = chosen["statistics"]
data = h5md.read(snakemake.input.trajectory)
a = graphs.read(snakemake.input.graphs).neighbour_distance
rows = trajectory.blocks(data, **chosen["split"])["test"]
rows = trajectory.evaluation(data, rows, chosen["rollout"]["frames"])
experiment = data.window(rows)
options = Options(
    cutoff=wanted["d2min_cutoff"],
    threshold=wanted["d2min_threshold"],
    map_lag=wanted["lag"] or 0,
)
settings = plan(experiment, a, options)

source, kind, stopped = experiment, "experiment", ""
if kind_of_truth := snakemake.input.get("truth"):
    source, kind = microscope.view(h5md.read(kind_of_truth), experiment, 0.3 * a), "truth"
if rollout := snakemake.input.get("rollout"):
    source, kind = h5md.read(rollout), snakemake.wildcards.source
    stopped = conservation.stopped(rollout)
    if wanted["blur"]:
        generator = np.random.default_rng(0)
        source = microscope.blur(source, data.attributes["localisation_error"], generator)
found = statistics.measure(source, settings, source.free.all(axis=0))
if kind == "experiment":
    generator = np.random.default_rng(0)
    again = microscope.blur(source, data.attributes["localisation_error"], generator)
    once = settings._replace(snapshots=1, origins=1)  # only the map is wanted
    again = statistics.measure(again, once, source.free.all(axis=0))
    found["noise_floor"] = statistics.floor(found, again)
keys = ("dataset", "dt", "length_unit", "time_unit")
attributes = {key: data.attributes[key] for key in keys}
note = {"source": kind, "neighbour_distance": a, "settings": described(settings)}
note["stopped"] = stopped
statistics.write(snakemake.output.statistics, found, attributes | note)
