"""Simulates the sheared monolayer whose truth is known."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.simulate import monolayer

wanted = dict(snakemake.params.settings["simulate"])
base = {"monolayer": monolayer.COLLOIDS, "monolayer_matched": monolayer.MATCHED}[wanted.pop("kind")]
seed = wanted.pop("seed", 0)
video = snakemake.params.settings["video"]
scale = {key: video[key] for key in ("mpp", "fps") if video[key] is not None}
chosen = {key: tuple(value) if key == "view" else value for key, value in wanted.items()}
parameters = base._replace(**scale, **chosen)
h5md.write(snakemake.output.truth, monolayer.simulate(parameters, seed, snakemake.wildcards.name))
