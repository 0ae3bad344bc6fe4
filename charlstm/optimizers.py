"""Muon on the LSTM's matrices and AdamW on the rest, with one schedule for both."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from charlstm.config import TrainingConfig
from charlstm.model import CharLSTM

# AdamW's peak rate over Muon's, whose updates are scaled to AdamW's size ("match_rms_adamw", Liu et
# al. 2025). Embedding, biases and head bear more than the matrices: on stdlib, 256 cells, 1,500 steps,
# twice the rate gave 1.192 nats, the same rate 1.204 and half of it 1.234.
_ADAMW_SCALE = 2.0
# Where AdamW has the matrices too: half of the rate.
_ADAMW_ALONE_SCALE = 0.5


def schedule(fraction: float, *, warmup: float) -> float:
    """The share of the peak rate at a fraction of the run: up in a line, then down a half cosine to 0."""
    if fraction < warmup:
        return max(fraction / warmup, 1e-3)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (fraction - warmup) / (1 - warmup))))


class Optimizers:
    """The optimisers of one model behind one `step`, with a state that can be saved as plain tensors.

    Muon sees each gate's rows of a matrix as a matrix of its own: a gate has weights of its own, and
    one orthogonalisation for all four would tie their sizes together. It learns faster that way, and
    its gates become harder (tests/benchmarks/README.md has the numbers).
    """

    def __init__(self, model: CharLSTM, config: TrainingConfig) -> None:
        """The model must be on its device already. No moment is allocated before the first step."""
        self._config = config
        self._parameters = list(model.parameters())
        matrices = [p for layer in model.layers for p in layer.parameters() if p.ndim == 2]
        if config.optimizer == "adamw":
            matrices = []
        chosen = {id(matrix) for matrix in matrices}
        rest = [parameter for parameter in self._parameters if id(parameter) not in chosen]
        adamw_rate = config.learning_rate * (_ADAMW_SCALE if matrices else _ADAMW_ALONE_SCALE)
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(rest, lr=adamw_rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
        ]
        self._gates = [_GateRows(matrix, gate) for matrix in matrices for gate in range(4)]
        if self._gates:
            rows = [gate.rows for gate in self._gates]
            rate = config.learning_rate
            self._optimizers.append(
                torch.optim.Muon(rows, lr=rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
            )
        self._peaks: list[list[float]] = [
            [group["lr"] for group in optimizer.param_groups] for optimizer in self._optimizers
        ]

    def step(self, fraction: float) -> Tensor:
        """Clip, update and clear the gradients; returns their norm before clipping, a scalar.

        fraction is how much of the run is behind, in [0, 1]: it sets the rates.
        """
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self._config.clip_norm)
        for gate in self._gates:
            gate.take_gradient()
        share = schedule(fraction, warmup=self._config.warmup)
        for optimizer, peaks in zip(self._optimizers, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * share
            optimizer.step()
        for parameter in self._parameters:
            parameter.grad = None
        return norm

    def learning_rate(self, fraction: float) -> float:
        """The rate of the LSTM's matrices at a fraction of the run."""
        return self._peaks[-1][0] * schedule(fraction, warmup=self._config.warmup)

    def tensors(self) -> dict[str, Tensor]:
        """The moments of every optimiser, named optimizer.parameter.moment."""
        return {
            f"{number}.{index}.{name}": moment
            for number, optimizer in enumerate(self._optimizers)
            for index, moments in optimizer.state_dict()["state"].items()
            for name, moment in moments.items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        for number, optimizer in enumerate(self._optimizers):
            state: dict[int, dict[str, Any]] = {}
            for key, moment in tensors.items():
                owner, index, name = key.split(".")
                if int(owner) == number:
                    state.setdefault(int(index), {})[name] = moment
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})


class _GateRows:
    """One gate's rows of an LSTM matrix as a parameter on the same memory."""

    def __init__(self, matrix: Tensor, gate: int) -> None:
        cells = matrix.shape[0] // 4
        self._matrix = matrix
        self._span = slice(gate * cells, (gate + 1) * cells)
        self.rows = nn.Parameter(matrix.data[self._span])

    def take_gradient(self) -> None:
        """Let the rows' gradient be that of the matrix."""
        assert self._matrix.grad is not None
        self.rows.grad = self._matrix.grad[self._span]
