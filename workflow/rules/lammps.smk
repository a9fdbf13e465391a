# The trained model in LAMMPS: plugin, potential file, a run beside Python's, and its parity.


PLUGIN_SOURCES = sorted(str(path) for path in (settings_file.HOME / "lammps").glob("*.[ch]*"))


def exported(file):
    """An input function: this file of the model that goes to LAMMPS, seed 0."""

    def of(wildcards):
        model = settings(wildcards.name)["lammps"]["model"]
        return f"results/{models_of(wildcards.name)}/{model}/seed0/{file}"

    return of


def lammps_report(wildcards):
    """What the report shows of LAMMPS: what config says."""
    chosen = settings(wildcards.name)["lammps"]
    folder = f"results/{wildcards.name}"
    files = []
    if chosen["report"]:
        files += ["lammps/parity.csv", "lammps/rollout.h5", "statistics/lammps.h5"]
    if chosen["scaled"]["report"]:
        files += ["lammps/scaled/audit.csv", "lammps/scaled/statistics.h5"]
    return [f"{folder}/{file}" for file in files]


def run_settings(*keys):
    """A params function: these sections, and ``lammps`` but for what the report shows of it."""

    def of(wildcards):
        found = section(*keys, "lammps")(wildcards)
        chosen = {key: value for key, value in found["lammps"].items() if key != "report"}
        scaled = {key: value for key, value in chosen["scaled"].items() if key != "report"}
        return {**found, "lammps": {**chosen, "scaled": scaled}}

    return of


# The shared object is compiled once for a user, and copied into the folder of each data set.
rule lammps_plugin:
    input:
        PLUGIN_SOURCES,
    output:
        plugin="results/{name}/lammps/metriplecticplugin.so",
    params:
        cache="results/.lammps",
    log:
        "results/{name}/logs/lammps_plugin.log",
    benchmark:
        "results/{name}/benchmarks/lammps_plugin.tsv"
    script:
        "../scripts/lammps_plugin.py"


rule lammps_rollout:
    input:
        trajectory="results/{name}/trajectory.h5",
        plugin="results/{name}/lammps/metriplecticplugin.so",
        model=exported("model.safetensors"),
        record=exported("model.yaml"),
    output:
        script="results/{name}/lammps/in.lammps",
        potential="results/{name}/lammps/model.metriplectic",
        start="results/{name}/lammps/start.data",
        totals="results/{name}/lammps/log.lammps",
        rollout="results/{name}/lammps/rollout.h5",
    params:
        settings=run_settings("rollout", "split"),
    log:
        "results/{name}/logs/lammps_rollout.log",
    benchmark:
        "results/{name}/benchmarks/lammps_rollout.tsv"
    threads: lambda wildcards: settings(wildcards.name)["lammps"]["ranks"]
    script:
        "../scripts/lammps_rollout.py"


rule lammps_parity:
    input:
        trajectory="results/{name}/trajectory.h5",
        plugin="results/{name}/lammps/metriplecticplugin.so",
        model=exported("model.safetensors"),
        record=exported("model.yaml"),
        rollout="results/{name}/lammps/rollout.h5",
    output:
        parity="results/{name}/lammps/parity.csv",
    params:
        settings=run_settings("rollout", "split"),
    log:
        "results/{name}/logs/lammps_parity.log",
    benchmark:
        "results/{name}/benchmarks/lammps_parity.tsv"
    threads: lambda wildcards: settings(wildcards.name)["lammps"]["ranks"]
    script:
        "../scripts/lammps_parity.py"


# The model at a size that no video has; for monolayers, when it is asked for.
rule lammps_scaled:
    input:
        trajectory="results/{name}/trajectory.h5",
        plugin="results/{name}/lammps/metriplecticplugin.so",
        model=exported("model.safetensors"),
        record=exported("model.yaml"),
    output:
        script="results/{name}/lammps/scaled/in.lammps",
        potential="results/{name}/lammps/scaled/model.metriplectic",
        start="results/{name}/lammps/scaled/start.data",
        totals="results/{name}/lammps/scaled/log.lammps",
        rollout="results/{name}/lammps/scaled/rollout.h5",
        audit="results/{name}/lammps/scaled/audit.csv",
        statistics="results/{name}/lammps/scaled/statistics.h5",
    params:
        settings=run_settings("rollout", "statistics"),
    log:
        "results/{name}/logs/lammps_scaled.log",
    benchmark:
        "results/{name}/benchmarks/lammps_scaled.tsv"
    threads: lambda wildcards: settings(wildcards.name)["lammps"]["ranks"]
    script:
        "../scripts/lammps_scaled.py"
