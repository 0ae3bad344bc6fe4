"""The measurements on a GPU can be rehearsed without one: every part runs, and losses are compared."""

import gpu
import pytest
import torch


def test_the_rehearsal_runs_every_part_on_the_cpu(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu.py", "--rehearse"])
    gpu.main()
    first, *lines = capsys.readouterr().out.splitlines()
    assert "no result" in first
    parts = ("step 12 x 2", "loss after 10", "the command", "sampling", "sampling", "inspection", "")
    assert [line[: len(part)] for line, part in zip(lines, parts, strict=True)] == list(parts)


def test_a_captured_step_that_learns_something_else_ends_with_an_error(monkeypatch):
    monkeypatch.setattr(gpu, "losses", lambda sizes, text: (2.0, 2.1))
    for part in ("training", "learning", "sampling", "inspection"):
        monkeypatch.setattr(gpu, part, lambda *arguments: iter(()))
    with pytest.raises(SystemExit, match="learns something else"):
        gpu.measure(gpu.REHEARSED, "text.txt")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_without_a_gpu_it_says_how_to_rehearse(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu.py", "tiny_shakespeare.txt"])
    with pytest.raises(SystemExit):
        gpu.main()
    assert "there is no NVIDIA GPU that torch can use here; --rehearse" in capsys.readouterr().err
