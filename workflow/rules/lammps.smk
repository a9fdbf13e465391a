# The trained model in LAMMPS: plugin, potential file, a run beside Python's, and its parity.


PLUGIN_SOURCES = sorted(str(path) for path in (settings_file.HOME / "lammps").glob("*.[ch]*"))


def exported(file):
    """An input function: this file of the model that goes to LAMMPS, seed 0."""

    def of(wildcards):
        model = settings(wildcards.name)["lammps"]["model"]
        return f"results/{models_of(wildcards.name)}/{model}/seed0/{file}"

    return of


def lammps_report(wildcards):
    """What the report needs to show LAMMPS: once its parity was asked for, or if config says so."""
    folder = f"results/{wildcards.name}"
    parity = f"{folder}/lammps/parity.csv"
    if not (settings(wildcards.name)["lammps"]["report"] or Path(parity).exists()):
        return []
    return [parity, f"{folder}/lammps/rollout.h5", f"{folder}/statistics/lammps.h5"]


# The shared object is compiled once for all data sets, and linked into each of their folders.
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
        settings=section("rollout", "split", "lammps"),
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
        settings=section("rollout", "split", "lammps"),
    log:
        "results/{name}/logs/lammps_parity.log",
    benchmark:
        "results/{name}/benchmarks/lammps_parity.tsv"
    threads: lambda wildcards: settings(wildcards.name)["lammps"]["ranks"]
    script:
        "../scripts/lammps_parity.py"
