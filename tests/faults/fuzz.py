"""Fuzz a loader with atheris: for any bytes it must return a result or raise a CharLSTMError.

    python tests/faults/fuzz.py weights -max_total_time=150
    python tests/faults/fuzz.py model -max_total_time=150

The first argument names the loader: weights (a file to import), vocabulary (a file beside weights to import),
config, model and resume (files of a run), or findings. All other arguments go to libFuzzer.
"""

import contextlib
import io
import json
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["charlstm", "pickle", "zipfile"]):
    import torch
    from small_run import request, train_small

    from charlstm.checkpoint.loading import load
    from charlstm.checkpoint.record import load_config
    from charlstm.checkpoint.run_folder import RunFolder
    from charlstm.errors import CharLSTMError
    from charlstm.findings import Findings
    from charlstm.foreign import load_foreign
    from charlstm.model.char_lstm import CharLSTM
    from charlstm.run_files import CONFIG, MODEL, RESUME
    from charlstm.training.trainer import Trainer

FOLDER = Path(tempfile.mkdtemp())
os.environ["XDG_STATE_HOME"] = str(FOLDER / "state")  # the record of what is trained here
RUN = FOLDER / "run"


def _load_resume(run: Path) -> None:
    config = load_config(run)
    assert config.training is not None
    ids = config.vocabulary.encode((FOLDER / "text.txt").read_text())
    RunFolder(run).restore(Trainer(CharLSTM(config.model), ids[: len(ids) * 8 // 10], config.training))


def _weights_to_import() -> dict[str, object]:
    lstm, head = torch.nn.LSTM(5, 4), torch.nn.Linear(4, 5)
    tensors = {
        f"{name}.{k}": v for name, m in (("rnn", lstm), ("fc", head)) for k, v in m.state_dict().items()
    }
    return {"net": tensors, "chars": list("abcde")}


def _load_vocabulary(path: Path) -> None:
    load_foreign(FOLDER / "weights.pt", vocabulary=path)


# By the loader's name: the file that is fuzzed, and what reads it.
TARGETS: dict[str, tuple[Path, Callable[[], object]]] = {
    "weights": (FOLDER / "fuzzed.pt", lambda: load_foreign(FOLDER / "fuzzed.pt")),
    "vocabulary": (FOLDER / "fuzzed.txt", lambda: _load_vocabulary(FOLDER / "fuzzed.txt")),
    "config": (RUN / CONFIG, lambda: load_config(RUN)),
    "model": (RUN / MODEL, lambda: load(RUN)),
    "resume": (RUN / RESUME, lambda: _load_resume(RUN)),
    "findings": (FOLDER / "findings.json", lambda: Findings.load(FOLDER / "findings.json")),
}


def _write_seeds(target: str, corpus: Path) -> None:
    """Write valid files for a loader into the new folder corpus, for libFuzzer to change."""
    train_small(request(RUN), stop_after=8)
    config = json.loads((RUN / CONFIG).read_text())
    del config["crc32"]  # with a checksum, every changed file would be refused before it is parsed
    (RUN / CONFIG).write_text(json.dumps(config))
    torch.save(_weights_to_import(), FOLDER / "weights.pt")
    seeds = {
        "weights": [
            (FOLDER / "weights.pt").read_bytes(),
            pickle.dumps({"w": [1.5, {"a": None}]}, 2),
            (RUN / MODEL).read_bytes(),
        ],
        "vocabulary": [b'["a", "b", "c", "d", "e"]', b'{"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}', b"abcde"],
        "findings": [b'{"schema_version": 1, "model": {"layers": 1}, "findings": []}'],
    }
    legacy = io.BytesIO()
    torch.save(_weights_to_import(), legacy, _use_new_zipfile_serialization=False)
    seeds["weights"].append(legacy.getvalue())
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

    limits = ["-rss_limit_mb=1500", "-timeout=10", "-max_len=200000", f"-artifact_prefix={FOLDER}/found-"]
    atheris.Setup([sys.argv[0], *limits, *options, str(FOLDER / "corpus")], load_fuzzed)
    atheris.Fuzz()
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
