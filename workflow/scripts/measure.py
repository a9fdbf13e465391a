"""Statistics of one source on the particles and frames of the evaluation window."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import numpy as np

from pipeline import graphs, h5md, trajectory
from pipeline.analysis import conservation, cycles, microscope, statistics
from pipeline.analysis.runs import runs
from pipeline.analysis.settings import Options, described, plan

chosen = snakemake.params.settings
wanted = chosen["statistics"]
data = h5md.read(snakemake.input.trajectory)
a = graphs.read(snakemake.input.graphs).neighbour_distance
rows = trajectory.blocks(data, **chosen["split"])["test"]
rows = trajectory.rows(data, rows, chosen["rollout"]["frames"])
experiment = data.window(rows)
sigma = data.attributes["localisation_error"]
options = Options(
    cutoff=wanted["d2min_cutoff"],
    threshold=wanted["d2min_threshold"],
    map_lag=wanted["lag"] or 0,
    snapshots=wanted["snapshots"],
    longest_lag=wanted["longest_lag"] or 0,
    rearrangements=wanted["rearrangements"],
    paper_window=wanted["paper_window"] or 0,
    period=cycles.period(data, wanted["period"]) if wanted["rearrangements"] else None,
)
settings = plan(experiment, a, options)

source, kind, stopped = experiment, "experiment", ""
if kind_of_truth := snakemake.input.get("truth"):
    source, kind = microscope.view(h5md.read(kind_of_truth), experiment, 0.3 * a), "truth"
if replica := snakemake.input.get("replica"):
    source, kind = h5md.read(replica).window(rows), f"replica{snakemake.wildcards.replica}"
if rollout := snakemake.input.get("rollout"):
    source, kind = h5md.read(rollout), snakemake.wildcards.source
    stopped = conservation.stopped(rollout)
    if wanted["blur"] and sigma:
        source = microscope.blur(source, sigma, np.random.default_rng(0))
found = statistics.measure(source, settings, source.free.all(axis=0))
if kind == "experiment":
    # The whole film, which holds more cycles than the window that models are judged in.
    reach = settings.period, settings.cutoff, settings.threshold
    found["cycles_film"] = cycles.cycles(runs(data), *reach)
    again = None
    if sigma:
        again = microscope.blur(source, sigma, np.random.default_rng(0))
        once = settings._replace(snapshots=1, origins=1, paper_window=0)  # only the map is wanted
        again = statistics.measure(again, once, source.free.all(axis=0))
    found["noise_floor"] = statistics.floor(found, again)
keys = ("dataset", "dt", "length_unit", "time_unit")
attributes = {key: data.attributes[key] for key in keys}
note = {"source": kind, "neighbour_distance": a, "settings": described(settings)}
note["stopped"] = stopped
statistics.write(snakemake.output.statistics, found, attributes | note)
