"""The names of the files in a run's folder, and how to recognise one of them."""

from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has none: nothing is locked there
    fcntl = None  # type: ignore[assignment]


# What a run's folder holds; no text is ever read from there.
CONFIG, MODEL, EVALUATED = "config.json", "model.safetensors", "evaluated.safetensors"

RESUME, METRICS = "resume.safetensors", "metrics.jsonl"

FINDINGS, REPORT = "findings.json", "report.html"

COMPARED, COMPARISON = "compared.json", "compare.html"

RUN_FILES = (CONFIG, MODEL, EVALUATED, RESUME, METRICS, FINDINGS, REPORT, COMPARED, COMPARISON)


def is_run_file(path: Path) -> bool:
    """Whether a file is part of a run, by its name and by those beside it."""
    return path.name in RUN_FILES and (path.parent / CONFIG).exists() and (path.parent / METRICS).exists()
