"""The ladder: published toy tables and tasks of our own, climbed by `equipoise.Trainer` in minutes.

    python -m benchmarks.ladder.run --bar ring --seeds 0 1 2 3 4     # what exists is not repeated
    python -m benchmarks.ladder.run --bar fashion --data FOLDER --minutes 20
    python -m benchmarks.ladder.table                                # writes docs/ladder.md

One file a bar: `ring`, `grid`, `stacked_digits`, `fashion`, `starved`, `stacked_mnist`, `cifar10`. Every run
is one JSON file in `benchmarks/results/ladder/BAR/ARM-SEED.json`. An arm is a recipe of equipoise and a list
of overrides; nothing else is changed, so the ladder also proves the trainer.
"""
