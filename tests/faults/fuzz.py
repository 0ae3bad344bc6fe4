"""Fuzz what reads files with atheris: for any bytes it must return a result or raise a CharLSTMError.

    python tests/faults/fuzz.py weights -max_total_time=150
    python tests/faults/fuzz.py model -max_total_time=150

The first argument names the loader: weights (a file to import, of torch, safetensors, NumPy or ONNX to begin
with), hdf5 (one of Keras, about five a second), vocabulary (a file beside weights to import),
config, model and resume (files of a run), findings, page (a findings.json that is drawn), or run (a whole
folder, which is loaded, sampled from and drawn). All other arguments go to libFuzzer.
"""

import contextlib
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]

# Numba cannot read the instrumented bytecode of the kernels that it compiles: they are imported before.
for kernels in (Path(__file__).parents[2] / "charlstm" / "model" / "kernels").glob("[a-z]*.py"):
    importlib.import_module(f"charlstm.model.kernels.{kernels.stem}")

with atheris.instrument_imports(include=["charlstm", "pickle", "zipfile"]):
    import torch
    from edited_findings import small_documents
    from findings_document import inspected
    from small_run import request, train_small
    from weight_seeds import torch_weights, weight_seeds

    from charlstm.checkpoint.loading import load
    from charlstm.checkpoint.record import load_config
    from charlstm.checkpoint.run_folder import RunFolder
    from charlstm.errors import CharLSTMError
    from charlstm.findings import Findings
    from charlstm.foreign import load_foreign
    from charlstm.model.char_lstm import CharLSTM
    from charlstm.run_files import CONFIG, FINDINGS, MODEL, RESUME
    from charlstm.tasks.report import draw_report
    from charlstm.tasks.sample import SamplingConfig, sample_run
    from charlstm.training.trainer import Trainer

FOLDER = Path(tempfile.mkdtemp())
os.environ["XDG_STATE_HOME"] = str(FOLDER / "state")  # the record of what is trained here
RUN = FOLDER / "run"
# The files of the target "run" lie in one piece, each but the last behind its length in bytes.
FILES_OF_A_RUN, LENGTH_BYTES = (CONFIG, MODEL, FINDINGS), 4
WHOLE_RUN, PAGE = FOLDER / "whole-run", FOLDER / "page.html"


def _load_resume(run: Path) -> None:
    config = load_config(run)
    assert config.training is not None
    ids = config.vocabulary.encode((FOLDER / "text.txt").read_text())
    RunFolder(run).restore(Trainer(CharLSTM(config.model), ids[: len(ids) * 8 // 10], config.training))


def _load_vocabulary(path: Path) -> None:
    load_foreign(FOLDER / "weights.pt", vocabulary=path)


def _joined(files: Sequence[bytes]) -> bytes:
    """Return files as one piece: each but the last behind its length."""
    return b"".join(len(file).to_bytes(LENGTH_BYTES, "big") + file for file in files[:-1]) + files[-1]


def _split(joined: bytes) -> list[bytes]:
    """Return the files that _joined has joined; of any bytes at all, as many files."""
    files = []
    for _ in FILES_OF_A_RUN[:-1]:
        end = LENGTH_BYTES + int.from_bytes(joined[:LENGTH_BYTES], "big")
        files.append(joined[LENGTH_BYTES:end])
        joined = joined[end:]
    return [*files, joined]


def _use_run(joined: Path) -> None:
    """Load the run whose files are joined, draw five characters from it, and draw its page."""
    WHOLE_RUN.mkdir(exist_ok=True)
    for name, content in zip(FILES_OF_A_RUN, _split(joined.read_bytes()), strict=True):
        (WHOLE_RUN / name).write_bytes(content)
    with contextlib.suppress(CharLSTMError):
        load(WHOLE_RUN)
    with contextlib.suppress(CharLSTMError):
        list(sample_run(WHOLE_RUN, "", config=SamplingConfig(length=5), seed=1))
    draw_report(WHOLE_RUN, PAGE)


# The kinds of files that the library HDF5 parses. Each is read in a process of its own, which takes a while,
# and longer where the library never ends; so they are no seeds of the target "weights".
HDF5_KINDS = ("HDF5", "keras")
SECONDS = {"hdf5": 60}  # for one file, of the clock; all other loaders have 10

# By the loader's name: the file that is fuzzed, and what reads it.
TARGETS: dict[str, tuple[Path, Callable[[], object]]] = {
    "weights": (FOLDER / "fuzzed.pt", lambda: load_foreign(FOLDER / "fuzzed.pt")),
    "hdf5": (FOLDER / "fuzzed.h5", lambda: load_foreign(FOLDER / "fuzzed.h5")),
    "vocabulary": (FOLDER / "fuzzed.txt", lambda: _load_vocabulary(FOLDER / "fuzzed.txt")),
    "config": (RUN / CONFIG, lambda: load_config(RUN)),
    "model": (RUN / MODEL, lambda: load(RUN)),
    "resume": (RUN / RESUME, lambda: _load_resume(RUN)),
    "findings": (FOLDER / "findings.json", lambda: Findings.load(FOLDER / "findings.json")),
    "page": (FOLDER / "findings.json", lambda: draw_report(FOLDER / "findings.json", PAGE, with_model=False)),
    "run": (FOLDER / "run.joined", lambda: _use_run(FOLDER / "run.joined")),
}


def _write_seeds(target: str, corpus: Path) -> None:
    """Write valid files for a loader into the new folder corpus, for libFuzzer to change."""
    train_small(request(RUN), stop_after=8)
    config = json.loads((RUN / CONFIG).read_text())
    del config["crc32"]  # with a checksum, every changed file would be refused before it is parsed
    (RUN / CONFIG).write_text(json.dumps(config))
    torch.save(torch_weights(), FOLDER / "weights.pt")
    kinds = weight_seeds()
    hdf5_kinds = {kind: kinds.pop(kind) for kind in HDF5_KINDS}
    seeds = {
        "weights": [*kinds.values(), (RUN / MODEL).read_bytes()],
        "hdf5": list(hdf5_kinds.values()),
        "vocabulary": [b'["a", "b", "c", "d", "e"]', b'{"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}', b"abcde"],
        "findings": [b'{"schema_version": 1, "model": {"layers": 1}, "findings": []}'],
    }
    document = small_documents()["fixture"]
    seeds["page"] = [json.dumps(document).encode()]
    findings = json.dumps(document | inspected(RUN)).encode()
    seeds["run"] = [_joined([(RUN / CONFIG).read_bytes(), (RUN / MODEL).read_bytes(), findings])]
    path, _ = TARGETS[target]
    corpus.mkdir()
    for number, content in enumerate(seeds.get(target) or [path.read_bytes()]):
        (corpus / str(number)).write_bytes(content)


def main() -> None:
    """Fuzz one loader until libFuzzer's options end it; any exception but CharLSTMError is a bug."""
    target, *options = sys.argv[1:]
    torch.set_num_threads(1)
    _write_seeds(target, FOLDER / "corpus")
    path, load_path = TARGETS[target]

    def load_fuzzed(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(CharLSTMError):
            load_path()

    limits = [
        "-rss_limit_mb=1500",
        f"-timeout={SECONDS.get(target, 10)}",
        "-max_len=200000",
        f"-artifact_prefix={FOLDER}/found-",
    ]
    atheris.Setup([sys.argv[0], *limits, *options, str(FOLDER / "corpus")], load_fuzzed)
    atheris.Fuzz()
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
