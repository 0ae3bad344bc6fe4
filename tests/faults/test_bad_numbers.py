"""Numbers out of range, NaN and overflow have one defined outcome each, and no bad weights are saved."""

import json
import math
from contextlib import suppress

import numpy as np
import pytest
import torch
from command_line import problem_in, run
from safetensors.torch import load_file
from small_run import TEXT, measurements, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.checkpoint.tensor_file import save_tensors
from charlstm.config import Hold, SamplingConfig
from charlstm.errors import CorpusError, DivergedError, UsageError
from charlstm.machine.own_runs import record_own
from charlstm.run_files import MODEL
from charlstm.tasks import sample, score, train
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.training.evaluation import Evaluation, Losses


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
@pytest.mark.parametrize("learning_rate", [10.0, 1e6, 1e15, 1e30, 1e-300])
def test_with_any_learning_rate_a_training_ends_or_raises_diverged_error(tmp_path, optimizer, learning_rate):
    out = tmp_path / "run"
    with suppress(DivergedError):
        train_small(request(out, learning_rate=learning_rate, optimizer=optimizer, save_every=1, steps=20))
    if (out / MODEL).exists():
        assert all(tensor.isfinite().all() for tensor in load_file(out / MODEL).values())
        assert load(out).step <= 20
    assert all(math.isfinite(value) for line in measurements(out) for value in line.values())


def test_a_training_with_a_learning_rate_of_10_ends(tmp_path):
    assert train_small(request(tmp_path / "run", learning_rate=10.0)).reason == "done"


def test_a_validation_loss_of_nan_ends_the_training_and_keeps_the_last_save(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "charlstm.training.loop.evaluate", lambda model, ids, processes: Evaluation(math.nan, 1)
    )
    with pytest.raises(
        DivergedError, match="the validation loss became NaN, infinite or absurd before step 7"
    ):
        train_small(request(tmp_path / "run", save_every=5))
    assert load(tmp_path / "run").step == 5, "the save of step 5 stays"
    assert measurements(tmp_path / "run") == []


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_weight_that_becomes_nan_or_infinite_is_never_saved(tmp_path, bad):
    out = tmp_path / "run"

    def train_and_damage_a_weight() -> None:
        events = train.train_run(request(out, save_every=1, evaluate_every=1000))
        for event in events:
            if isinstance(event, train.loop.Stepped) and event.step == 10:
                trainer = events.gi_yieldfrom.gi_frame.f_locals["trainer"]
                with torch.no_grad():
                    trainer.model.head.bias[0] = bad

    with pytest.raises(DivergedError):
        train_and_damage_a_weight()
    assert load(out).step <= 11
    assert load(out).model.head.bias.isfinite().all()


def test_a_run_without_validation_text_trains_and_scores_but_cannot_validate_or_inspect(
    tmp_path, monkeypatch, capsys
):
    text = tmp_path / "text.txt"
    text.write_text(TEXT)
    out = tmp_path / "run"
    small = ["--cells", 8, "--streams", 4, "--window", 16, "--steps", 9]
    assert run(monkeypatch, "train", text, "--split", "100/0/0", "--out", out, *small, "--json") == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert shown[-1]["validation_bits_per_character"] is None
    assert shown[-1]["best_step"] == 9
    assert load(out).step == 9
    assert run(monkeypatch, "score", out, "--part", "validation", "--split", "100/0/0") == 3
    assert "the part validation of" in (said := capsys.readouterr().err)
    assert said.endswith("choose another --part or --split\n")
    assert run(monkeypatch, "inspect", out) == 3
    assert run(monkeypatch, "score", out) == 0
    assert run(monkeypatch, "train", text, "--split", "0/100", "--out", tmp_path / "other", *small) == 2


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    train_small(request(out), stop_after=20)
    return out


def drawn(out, **settings: object) -> str:
    pieces = sample.sample_run(out, "He", config=SamplingConfig(**({"length": 60} | settings)), seed=5)
    return "".join(piece for (piece, *_) in pieces)


def test_temperatures_near_0_draw_the_likeliest_character(trained):
    likeliest = drawn(trained, temperature=0)
    for temperature in (1e-9, 1e-300, 5e-324):
        assert drawn(trained, temperature=temperature) == likeliest
    assert drawn(trained, temperature=1.0) != likeliest
    assert drawn(trained, top_p=1e-300) == likeliest
    assert drawn(trained, top_k=1) == likeliest
    assert len(drawn(trained, temperature=1e300)) == 60


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"temperature": -0.1},
        {"top_p": 0.0},
        {"top_p": -1.0},
        {"top_p": math.nan},
        {"top_p": 1.1},
        {"top_k": -1},
        {"top_k": 2.5},
        {"length": -1},
        {"length": 2**70},
        {"count": 0},
        {"stop": ""},
    ],
)
def test_impossible_sampling_settings_are_usage_errors(settings):
    with pytest.raises(UsageError, match="must"):
        SamplingConfig(**settings)


def test_top_p_0_is_a_usage_error(trained, monkeypatch, capsys):
    assert run(monkeypatch, "sample", trained, "--top-p", 0) == 2
    assert "--top-p must be above 0 and at most 1, not 0.0" in capsys.readouterr().err


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e39, -1e300])
def test_a_cell_cannot_be_held_at_a_value_outside_float32(value):
    with pytest.raises(UsageError, match="finite"):
        Hold(0, 1, value)


def test_cells_held_near_the_largest_float32_still_give_a_text(trained):
    assert len(drawn(trained, hold=(Hold(0, 1, 3.3e38), Hold(1, 2, -3.3e38)))) == 60


@pytest.mark.parametrize(
    ("option", "value"),
    [("--steps", "9" * 400), ("--epochs", "1e308"), ("--epochs", "1e-323"), ("--minutes", "1e-323")],
)
def test_lengths_out_of_range_are_usage_errors_before_a_folder_is_made(
    tmp_path, monkeypatch, capsys, option, value
):
    (tmp_path / "text.txt").write_text(TEXT)
    out = tmp_path / "never"
    assert run(monkeypatch, "train", tmp_path / "text.txt", "--out", out, option, value) == 2
    assert f"{option} must be" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("seed", [-1, 2**63, 2**80])
@pytest.mark.parametrize("command", ["train", "sample", "inspect"])
def test_seeds_out_of_range_are_usage_errors(trained, monkeypatch, capsys, seed, command):
    subject = trained.parent / "text.txt" if command == "train" else trained
    out = ["--out", trained.parent / "never"] if command == "train" else []
    assert run(monkeypatch, command, subject, *out, "--seed", seed) == 2
    assert "--seed must be" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--cells", 10**9],
        ["--cells", 10**30],
        ["--layers", 10**9],
        ["--embedding", 10**12],
        ["--streams", 10**30],
        ["--window", 10**12],
        ["--steps", -1],
        ["--steps", 0],
        ["--minutes", "nan"],
        ["--minutes", "-1"],
        ["--epochs", "inf"],
        ["--learning-rate", "nan"],
        ["--learning-rate", 0],
        ["--learning-rate", 1e300],
        ["--dropout", 1],
        ["--dropout", "nan"],
        ["--cells", 1.5],
    ],
)
def test_impossible_sizes_and_lengths_are_one_clear_error_and_make_no_folder(
    tmp_path, monkeypatch, capsys, options
):
    (tmp_path / "text.txt").write_text(TEXT)
    length = [] if options[0] in ("--steps", "--minutes", "--epochs") else ["--steps", 1]
    code = run(monkeypatch, "train", tmp_path / "text.txt", "--out", tmp_path / "run", *length, *options)
    assert code in (2, 3)
    assert len(problem_in(capsys.readouterr().err)) == 2
    assert not (tmp_path / "run").exists()


@pytest.fixture
def exploding_run(trained, tmp_path):
    """Write a run whose cell states would grow a million-fold at every character if they had no bounds."""
    out = tmp_path / "run"
    config = load(trained).config
    model = type(config.model)(**{**vars(config.model), "activation": "identity", "layers": 1})
    RunFolder(out).create(type(config)(model, config.training, config.vocabulary, config.corpus))
    tensors = {name: value for name, value in load_file(trained / MODEL).items() if "layers.1" not in name}
    cells = model.cells
    gates = torch.zeros(4 * cells)
    gates[:cells], gates[cells : 2 * cells], gates[3 * cells :] = 50, 50, 50
    tensors["layers.0.bias_ih_l0"], tensors["layers.0.bias_hh_l0"] = gates, torch.zeros(4 * cells)
    recurrent = torch.zeros(4 * cells, cells)
    recurrent[2 * cells : 3 * cells] = torch.eye(cells) * 1e6
    tensors["layers.0.weight_hh_l0"] = recurrent
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    save_tensors(out / MODEL, arrays, {"step": 1, "validation_bits_per_character": None})
    record_own(out)
    return out


def test_a_model_with_growing_cell_states_gives_finite_numbers(exploding_run, monkeypatch, capsys, tmp_path):
    (tmp_path / "long.txt").write_text(TEXT * 20)
    for command in (["score"], ["score", "--json"], ["sample"], ["inspect", tmp_path / "long.txt"]):
        assert run(monkeypatch, command[0], exploding_run, *command[1:]) == 0, command
        assert "nan" not in capsys.readouterr().out.lower()
    assert np.isfinite(score_run(ScoreRequest(run=exploding_run)).nats).all()


def test_dynamic_evaluation_that_overflows_is_one_clear_error(trained, monkeypatch, capsys):
    losses = Losses(1, torch.tensor([1.0, torch.nan]))
    monkeypatch.setattr(score, "adapting_losses", lambda model, ids: iter([losses]))
    assert run(monkeypatch, "score", trained, "--dynamic") == 4
    shown = capsys.readouterr()
    assert "without --dynamic" in shown.err
    assert not shown.out


def test_a_text_of_one_character_cannot_be_scored(trained, tmp_path):
    (tmp_path / "one.txt").write_text("H")
    with pytest.raises(CorpusError, match="leaves nothing to predict"):
        score_run(ScoreRequest(run=trained, corpus=str(tmp_path / "one.txt")))


def test_scores_of_a_normal_run_are_finite(trained):
    assert np.isfinite(score_run(ScoreRequest(run=trained)).nats).all()
