# Tracks to physical trajectories and their neighbour graphs.


TRACKING = {"tuning": "tuning.json", "frames": "tracking.h5"}
TRACKED = {
    "tracks": "tracks.parquet",
    "survey": "survey.h5",
    "summary": "survey.json",
    "linking": "linking.json",
}


def tracking_of(wildcards, file):
    """A file of the data set whose video was tracked: its own, or that of its twin."""
    return f"results/{truth_origin(wildcards.name)}/{file}"


def entry(wildcards):
    """What a trajectory is made of: files, a simulation, the truth behind a film, or tracks."""
    name = wildcards.name
    if recorded(name):
        return {"recorded": own_folder(name)}
    if system(name):
        return {"simulated": f"results/{name}/replicas/0.h5"}
    if tables_of(name):
        made = {"table": "tracks.parquet", "tuning": "tuning.json", "linking": "linking.json"}
        seen = {"frames": "tracking.h5", "survey": "survey.h5"} if has_film(name) else {}
        return {key: f"results/{name}/{file}" for key, file in {**made, **seen}.items()}
    tracking = {key: tracking_of(wildcards, file) for key, file in TRACKING.items()}
    if settings(name)["trajectory"]["truth_of"]:
        return {"truth": tracking_of(wildcards, "synthetic/truth.h5"), **tracking}
    own = {key: f"results/{name}/{file}" for key, file in TRACKED.items()}
    return {**own, **tracking}


rule trajectory:
    input:
        unpack(entry),
    output:
        trajectory="results/{name}/trajectory.h5",
    params:
        settings=section("video", "trajectory", "graph", "imported"),
        synthetic=lambda wildcards: has_truth(wildcards.name),
        content=lambda wildcards: content(wildcards) if recorded(wildcards.name) else None,
    log:
        "results/{name}/logs/trajectory.log",
    benchmark:
        "results/{name}/benchmarks/trajectory.tsv"
    resources:
        mem_mb=memory(1500, 500, 15),
    script:
        "../scripts/trajectory.py"


use rule trajectory as true_trajectory with:
    input:
        truth=lambda wildcards: tracking_of(wildcards, "synthetic/truth.h5"),
        tuning=lambda wildcards: tracking_of(wildcards, "tuning.json"),
        frames=lambda wildcards: tracking_of(wildcards, "tracking.h5"),
    output:
        trajectory="results/{name}/true_trajectory.h5",
    log:
        "results/{name}/logs/true_trajectory.log",
    benchmark:
        "results/{name}/benchmarks/true_trajectory.tsv"


rule graph:
    input:
        trajectory="results/{name}/trajectory.h5",
    output:
        graphs="results/{name}/graphs.h5",
    params:
        settings=section("graph"),
    log:
        "results/{name}/logs/graph.log",
    benchmark:
        "results/{name}/benchmarks/graph.tsv"
    resources:
        mem_mb=SNAPSHOTS,
    script:
        "../scripts/graph.py"


rule drag:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
    output:
        drag="results/{name}/drag.json",
    params:
        settings=section("split"),
    log:
        "results/{name}/logs/drag.log",
    benchmark:
        "results/{name}/benchmarks/drag.tsv"
    resources:
        mem_mb=SNAPSHOTS,
    script:
        "../scripts/drag.py"
