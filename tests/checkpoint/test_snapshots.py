"""snapshots.safetensors: weights along a training come back as they were, and damaged ones are refused."""

import numpy as np
import pytest
from tiny_run import config_of, new_run

from charlstm.checkpoint.snapshots import Snapshot, load_snapshots, require_snapshots
from charlstm.config import parameter_shapes
from charlstm.errors import CheckpointError
from charlstm.run_files import SNAPSHOTS

MODEL = config_of().model


def weights(seed: int) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(seed)
    return {
        name: drawn.normal(size=shape).astype(np.float32) for name, shape in parameter_shapes(MODEL).items()
    }


def saved(path, count: int = 3) -> list[Snapshot]:
    snapshots = [Snapshot.of(weights(seed), step=10 * seed, characters=160 * seed) for seed in range(count)]
    folder, _ = new_run(path)
    folder.save_snapshots(snapshots)
    return snapshots


def test_snapshots_come_back_in_their_order_rounded_to_16_bits(tmp_path):
    saved(tmp_path / "run")
    loaded = load_snapshots(tmp_path / "run", MODEL)
    assert [(one.step, one.characters) for one in loaded] == [(0, 0), (10, 160), (20, 320)]
    for seed, one in enumerate(loaded):
        for name, value in weights(seed).items():
            assert one.weights()[name].dtype == np.float32
            np.testing.assert_allclose(one.weights()[name], value, rtol=1e-3, atol=1e-6)


def test_a_weight_that_16_bits_cannot_hold_becomes_the_largest():
    kept = Snapshot.of({"bias": np.array([1e9, -1e9, 0.5], np.float32)}, step=0, characters=0)
    assert kept.weights()["bias"].tolist() == [65504.0, -65504.0, 0.5]


def test_a_run_without_snapshots_has_none_and_is_told_how_to_get_some(tmp_path):
    new_run(tmp_path / "run")
    assert load_snapshots(tmp_path / "run", MODEL) == []
    with pytest.raises(CheckpointError, match="no snapshots") as caught:
        require_snapshots(tmp_path / "run", MODEL)
    assert "snapshots=16" in str(caught.value.advice)


def test_snapshots_of_another_model_and_damaged_ones_are_refused(tmp_path):
    saved(tmp_path / "run")
    with pytest.raises(CheckpointError, match="do not fit"):
        load_snapshots(tmp_path / "run", config_of(cells=9).model)
    place = tmp_path / "run" / SNAPSHOTS
    content = bytearray(place.read_bytes())
    content[-3] ^= 1
    place.write_bytes(content)
    with pytest.raises(CheckpointError, match="checksum"):
        load_snapshots(tmp_path / "run", MODEL)


def test_a_file_with_fewer_numbers_than_snapshots_is_refused(tmp_path, monkeypatch):
    from charlstm.checkpoint import run_folder

    whole = run_folder.snapshot_arrays
    monkeypatch.setattr(run_folder, "snapshot_arrays", lambda all_of: (whole(all_of)[0], {"snapshots": [{}]}))
    saved(tmp_path / "run")
    with pytest.raises(CheckpointError, match="numbers do not fit"):
        load_snapshots(tmp_path / "run", MODEL)
