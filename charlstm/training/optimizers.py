"""Muon on some of the LSTM's gates and AdamW on the rest, with one schedule for all.

Muon orthogonalises each update of a matrix. That lowers the loss faster than AdamW, but turns the cells'
axes into each other: what one cell of an AdamW network counts, several cells of a Muon network share, and
the gates stay softer. The candidate g says what is written, the gates i, f and o say when. "mixed" gives
Muon the candidate's rows and AdamW the gates': the loss of Muon alone after as many steps, at less time for
each, with harder gates. "muon" gives it all rows; "adamw" gives it none and has the hardest gates.

Recurrent weights are pulled to 0 by an L1 step after each update (proximal gradient, decoupled from the
moments as AdamW's decay is), so that a cell listens to few others. Weight decay, of the LSTM's matrices
alone, keeps a model from learning its text by heart.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.config import Optimizer, TrainingConfig
from charlstm.model.char_lstm import CharLSTM

# Which of the rows i, f, g, o Muon has. Every gate has weights of its own, so each is a matrix of its own.
_MUON_GATES: dict[Optimizer, tuple[int, ...]] = {"mixed": (2,), "muon": (0, 1, 2, 3), "adamw": ()}

# AdamW's peak rates over learning_rate, which is Muon's; Muon's updates are scaled to AdamW's size
# ("match_rms_adamw", Liu et al. 2025). On stdlib, 256 cells, 1,500 steps, "mixed", the head's share made
# most difference: 2 gave 1.208 nats, 4 gave 1.171, 8 gave 1.173. Half of the embedding's cost .004 more.
_HEAD, _EMBEDDING, _BIASES = 5.0, 2.0, 0.5
# The LSTM's rows that AdamW has: all at .67 where it has them all; the gates i, f, o at 1 where Muon has the
# candidate: on stdlib, 256 cells, 1,500 steps, 1.154 and 1.159 nats (two seeds) instead of 1.169 and 1.166.
_ROWS: dict[Optimizer, float] = {"mixed": 1.0, "muon": 1.0, "adamw": 0.67}
# The share of clip_norm that holds while the rate rises. Gradients of steps 8 to 18 have norms of 1 to 4,
# later ones of .1 to .5: the large ones would stay in AdamW's second moments for hundreds of steps. From then
# on it costs: War and Peace, 94 cells, 4 minutes, three seeds, 1.336 nats at .2 throughout, 1.328 like this.
_RISING = 0.2
# Newton-Schulz rounds; five would be a fifth of a step's time. On stdlib, 256 cells, 1,000 steps, seeds 0
# and 1, 5 gave 1.738 and 1.747 bits, 4 1.744 and 1.745, 3 1.747 and 1.741, 2 1.748 and 1.746.
_ROUNDS = 3
# What each optimiser keeps of a parameter, and whether that has the parameter's shape or is one number.
_MOMENTS: dict[type[torch.optim.Optimizer], dict[str, bool]] = {
    torch.optim.AdamW: {"step": False, "exp_avg": True, "exp_avg_sq": True},
    torch.optim.Muon: {"momentum_buffer": True},
}


def schedule(fraction: float, *, warmup: float) -> float:
    """The share of the peak rate at a fraction of the run: up in a line, then down a half cosine to 0."""
    if fraction < warmup:
        return max(fraction / warmup, 1e-3)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (fraction - warmup) / (1 - warmup))))


class Optimizers:
    """The optimisers of one model behind one `step`, with a state that can be saved as plain tensors."""

    def __init__(self, model: CharLSTM, config: TrainingConfig) -> None:
        """The model must be on its device already. No moment is allocated before the first step."""
        self._config = config
        self._parameters = list(model.parameters())
        layers = [parameter for layer in model.layers for parameter in layer.parameters()]
        self._recurrent = [lstm.get_parameter("weight_hh_l0") for lstm in model.layers]
        self._gates = [_GateRows(matrix, gate) for matrix in layers if matrix.ndim == 2 for gate in range(4)]
        chosen = _MUON_GATES[config.optimizer]
        rate = config.learning_rate
        decay = config.weight_decay
        groups = [
            (_HEAD, 0.0, list(model.head.parameters())),
            (_EMBEDDING, 0.0, list(model.embedding.parameters())),
            (_BIASES, 0.0, [parameter for parameter in layers if parameter.ndim == 1]),
            (_ROWS[config.optimizer], decay, [gate.rows for gate in self._gates if gate.gate not in chosen]),
        ]
        adamw = [
            {"params": group, "lr": rate * scale, "weight_decay": decays}
            for scale, decays, group in groups
            if group
        ]
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(adamw, betas=(0.9, 0.99), fused=True)
        ]
        rows = [gate.rows for gate in self._gates if gate.gate in chosen]
        if rows:
            muon = torch.optim.Muon(
                rows, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw", ns_steps=_ROUNDS
            )
            self._optimizers.append(muon)
        self._peaks: list[list[float]] = [
            [group["lr"] for group in optimizer.param_groups] for optimizer in self._optimizers
        ]

    def step(self, fraction: float) -> Tensor:
        """Clip, update and clear the gradients; returns their norm before clipping, a scalar.

        fraction is how much of the run is behind, in [0, 1]: it sets the rates.
        """
        limit = self._config.clip_norm * (_RISING if fraction < self._config.warmup else 1.0)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, limit)
        for gate in self._gates:
            gate.take_gradient()
        share = schedule(fraction, warmup=self._config.warmup)
        for optimizer, peaks in zip(self._optimizers, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * share
            optimizer.step()
        self._shrink(self._config.recurrent_l1 * self._config.learning_rate * share)
        for parameter in self._parameters:
            parameter.grad = None
        return norm

    @torch.no_grad()
    def _shrink(self, by: float) -> None:
        """Move every recurrent weight towards 0, and no further (Daubechies et al. 2004)."""
        for matrix in self._recurrent if by else []:
            matrix.copy_(functional.softshrink(matrix, by))

    def learning_rate(self, fraction: float) -> float:
        """Muon's rate at a fraction of the run; AdamW's are shares of it."""
        return self._config.learning_rate * schedule(fraction, warmup=self._config.warmup)

    def tensors(self) -> dict[str, Tensor]:
        """The moments of every optimiser, named optimizer.parameter.moment."""
        return {
            f"{number}.{index}.{name}": moment
            for number, optimizer in enumerate(self._optimizers)
            for index, moments in optimizer.state_dict()["state"].items()
            for name, moment in moments.items()
        }

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of what `tensors` gives once there was a step."""
        return {
            f"{number}.{index}.{name}": tuple(parameter.shape) if like_parameter else ()
            for number, optimizer in enumerate(self._optimizers)
            for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"])
            for name, like_parameter in _MOMENTS[type(optimizer)].items()
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
        self.gate = gate
        cells = matrix.shape[0] // 4
        self._matrix = matrix
        self._span = slice(gate * cells, (gate + 1) * cells)
        self.rows = nn.Parameter(matrix.data[self._span])

    def take_gradient(self) -> None:
        """Let the rows' gradient be that of the matrix."""
        assert self._matrix.grad is not None
        self.rows.grad = self._matrix.grad[self._span]
