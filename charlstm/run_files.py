"""The names of the files in a run's folder, how to recognise one of them, and where findings are."""

from pathlib import Path

# The settings of the run; the best weights so far; the best weights before an interruption replaced them.
CONFIG, MODEL, EVALUATED = "config.json", "model.safetensors", "evaluated.safetensors"
# All that going on with the training needs; one JSON object for each measurement.
RESUME, METRICS = "resume.safetensors", "metrics.jsonl"
# The weights at several points of the training.
SNAPSHOTS = "snapshots.safetensors"
# What an inspection found, and its page.
FINDINGS, REPORT = "findings.json", "report.html"
# What an inspection found in a second model, and the page of both.
COMPARED, COMPARISON = "compared.json", "compare.html"
RUN_FILES = (CONFIG, MODEL, EVALUATED, RESUME, METRICS, SNAPSHOTS, FINDINGS, REPORT, COMPARED, COMPARISON)
# The folder of the cache that runs are fetched to.
FETCHED_RUNS = "hf-runs"
# What config.json says must be true of these: a new run begins without them.
OF_ONE_RUN = tuple(name for name in RUN_FILES if name != CONFIG)


def findings_folder(run: Path) -> Path:
    """Return the folder for what is found in a run: its own, or checkpoints/NAME for a run of the cache."""
    return Path("checkpoints") / run.name if run.parent.name == FETCHED_RUNS else run


def is_run_file(path: Path) -> bool:
    """Return whether a file belongs to a run: by its name, and by the run's files that lie beside it.

    Such a file is never read as a text to train on.
    """
    return path.name in RUN_FILES and (path.parent / CONFIG).exists() and (path.parent / METRICS).exists()
