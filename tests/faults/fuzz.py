"""Fuzz the loaders with atheris: whatever the bytes, a result or a CharLSTMError.

    python tests/faults/fuzz.py weights -max_total_time=150
    python tests/faults/fuzz.py model -max_total_time=150

Targets: weights (a file to import), vocabulary (beside weights that are in order), config, model and resume
(the files of a run), and findings. What comes after the target goes to libFuzzer.
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


def _resume(run: Path) -> None:
    config = load_config(run)
    assert config.training is not None
    ids = config.vocabulary.encode((FOLDER / "text.txt").read_text())
    RunFolder(run).restore(Trainer(CharLSTM(config.model), ids[: len(ids) * 8 // 10], config.training))


def _weights() -> dict[str, object]:
    lstm, head = torch.nn.LSTM(5, 4), torch.nn.Linear(4, 5)
    tensors = {
        f"{name}.{k}": v for name, m in (("rnn", lstm), ("fc", head)) for k, v in m.state_dict().items()
    }
    return {"net": tensors, "chars": list("abcde")}


def _vocabulary(place: Path) -> None:
    load_foreign(FOLDER / "weights.pt", vocabulary=place)


TARGETS: dict[str, tuple[Path, Callable[[], object]]] = {
    "weights": (FOLDER / "fuzzed.pt", lambda: load_foreign(FOLDER / "fuzzed.pt")),
    "vocabulary": (FOLDER / "fuzzed.txt", lambda: _vocabulary(FOLDER / "fuzzed.txt")),
    "config": (RUN / CONFIG, lambda: load_config(RUN)),
    "model": (RUN / MODEL, lambda: load(RUN)),
    "resume": (RUN / RESUME, lambda: _resume(RUN)),
    "findings": (FOLDER / "findings.json", lambda: Findings.load(FOLDER / "findings.json")),
}


def _seeds(target: str, corpus: Path) -> None:
    """Whole files to begin from."""
    train_small(request(RUN), stop_after=8)
    config = json.loads((RUN / CONFIG).read_text())
    del config["crc32"]  # with it nothing that was changed is looked at
    (RUN / CONFIG).write_text(json.dumps(config))
    torch.save(_weights(), FOLDER / "weights.pt")
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
    torch.save(_weights(), legacy, _use_new_zipfile_serialization=False)
    seeds["weights"].append(legacy.getvalue())
    place = TARGETS[target][0]
    corpus.mkdir()
    for number, content in enumerate(seeds.get(target) or [place.read_bytes()]):
        (corpus / str(number)).write_bytes(content)


def main() -> None:
    """Fuzz one target until libFuzzer's options end it; any other exception is a find."""
    target, *options = sys.argv[1:]
    torch.set_num_threads(1)
    _seeds(target, FOLDER / "corpus")
    place, read = TARGETS[target]

    def one_input(data: bytes) -> None:
        place.write_bytes(data)
        with contextlib.suppress(CharLSTMError):
            read()

    known = ["-rss_limit_mb=1500", "-timeout=10", "-max_len=200000", f"-artifact_prefix={FOLDER}/found-"]
    atheris.Setup([sys.argv[0], *known, *options, str(FOLDER / "corpus")], one_input)
    atheris.Fuzz()
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
