# Training, once per model and seed, and the rollout of what was learned.


def training_minutes(wildcards, attempt):
    """Wall time a scheduler should give a training; a retry goes on where the last one stopped."""
    limit = settings(wildcards.name)["train"]["max_minutes"]
    return round(30 + 1.5 * limit) if limit else 24 * 60 * attempt


def training_memory(wildcards, input, attempt):
    """Peak memory of a training [MB], measured as that of `memory`, with half as much again.

    Its tensors are on disk: in memory are libraries, flags of every row, and a step, which goes
    with the particles of its batch.
    """
    size = input.size_mb  # where there is no file yet, snakemake asks again when there is
    try:
        snapshots, particles = h5md.extent(input.trajectory)
    except InputError:  # the stage that makes or reads it will say what is wrong
        return attempt * round(max(2000, 1000 + 10 * size))
    batch = particles * settings(wildcards.name)["train"]["batch"]
    return attempt * round(max(2000, 1250 + 0.01 * batch + 15e-6 * snapshots * particles))


def drag_of_film(wildcards):
    """The friction of the medium, for a bath that holds it."""
    uniform = settings(wildcards.name)["train"]["bath"] in ("uniform", "crowded")
    return f"results/{wildcards.name}/drag.json" if uniform else []


# The checkpoints beside the model are no output: snakemake would delete them when a job is
# interrupted, and training goes on from them.
rule train:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        drag=drag_of_film,
    output:
        model="results/{name}/{model}/seed{seed}/model.safetensors",
        record="results/{name}/{model}/seed{seed}/model.yaml",
        history="results/{name}/{model}/seed{seed}/training.csv",
        learned="results/{name}/{model}/seed{seed}/learned.h5",
    params:
        settings=section("train", "split"),
    log:
        "results/{name}/logs/train_{model}_seed{seed}.log",
    benchmark:
        "results/{name}/benchmarks/train_{model}_seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=training_memory,
        runtime=training_minutes,
    script:
        "../scripts/train.py"


def learned_of(wildcards, file):
    """A file of the model to roll out: trained on this data set, or on another."""
    return f"results/{models_of(wildcards.name)}/{wildcards.model}/seed{wildcards.seed}/{file}"


rule rollout:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        model=lambda wildcards: learned_of(wildcards, "model.safetensors"),
        record=lambda wildcards: learned_of(wildcards, "model.yaml"),
    output:
        rollout="results/{name}/{model}/seed{seed}/rollout.h5",
    params:
        settings=section("rollout", "split"),
    log:
        "results/{name}/logs/rollout_{model}_seed{seed}.log",
    benchmark:
        "results/{name}/benchmarks/rollout_{model}_seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=SNAPSHOTS,
    script:
        "../scripts/rollout.py"


use rule rollout as rollout_again with:
    output:
        rollout="results/{name}/{model}/seed{seed}/rollout_{again}.h5",
    log:
        "results/{name}/logs/rollout_{model}_seed{seed}_{again}.log",
    benchmark:
        "results/{name}/benchmarks/rollout_{model}_seed{seed}_{again}.tsv"
