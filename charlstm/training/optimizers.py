"""Muon for some of the LSTM's gates and AdamW for every other parameter, with one schedule of learning rates.

Muon (Jordan et al. 2024) replaces the update of a matrix by one that is nearly orthogonal. That lowers the
loss in fewer steps than AdamW, but mixes the cells: what one cell of an AdamW network counts, several cells
of a Muon network share, and their gates stay softer, that is, less often close to 0 or to 1. The candidate
gate g says what is written to a cell, the gates i, f and o say when. The optimizer "mixed" therefore gives
Muon the rows of g and AdamW those of i, f and o; "muon" gives Muon all four, "adamw" none.

After each update the recurrent weights are moved towards 0 by an L1 step, decoupled from the moments as
AdamW's weight decay is, so that a cell listens to few others. Weight decay, which the LSTM's matrices alone
have, keeps a model from learning its text by heart.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from charlstm.config import Optimizer, TrainingConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.training_backend import trains_in_bfloat16
from charlstm.training.eager_optimizers import AdamW, Muon

# Which of the gates i, f, g, o (numbered from 0) Muon trains. Every gate has weights of its own, so the rows
# of each are a matrix of their own.
_MUON_GATES: dict[Optimizer, tuple[int, ...]] = {"mixed": (2,), "muon": (0, 1, 2, 3), "adamw": ()}

# AdamW's peak learning rates as multiples of learning_rate, which is Muon's; Muon scales its updates to the
# size of AdamW's ("match_rms_adamw", Liu et al. 2025). Head: stdlib, 256 cells, factors 2, 4 and 8 gave
# 1.208, 1.171 and 1.173 nats; see tests/benchmarks/EXPERIMENTS.md.
_HEAD_RATE_FACTOR, _EMBEDDING_RATE_FACTOR, _BIAS_RATE_FACTOR = 5.0, 2.0, 0.5
# Of the LSTM's rows that AdamW trains. stdlib, 256 cells, "mixed": 1 gave 1.154 and 1.159 nats, .67 gave
# 1.169 and 1.166; see tests/benchmarks/EXPERIMENTS.md.
_ROW_RATE_FACTOR: dict[Optimizer, float] = {"mixed": 1.0, "muon": 1.0, "adamw": 0.67}
# The first gradients are much larger than later ones and would stay in AdamW's second moments for hundreds
# of steps, so during warm-up this share of clip_norm is the limit; see tests/benchmarks/EXPERIMENTS.md.
_WARMUP_CLIP_SHARE = 0.2
# Five rounds, Muon's default, had no lower loss than three; see tests/benchmarks/EXPERIMENTS.md.
_NEWTON_SCHULZ_ROUNDS = 3
# The least share of the peak learning rate during warm-up, so that the first step changes something.
_LEAST_WARMUP_RATE_SHARE = 1e-3
_ADAMW_BETAS = (0.9, 0.99)
# The names under which each optimiser keeps state for a parameter, and whether that state has the shape of
# the parameter; it is a scalar otherwise.
_STATE_HAS_PARAMETER_SHAPE: dict[type[torch.optim.Optimizer], dict[str, bool]] = {
    AdamW: {"step": False, "exp_avg": True, "exp_avg_sq": True},
    Muon: {"momentum_buffer": True},
}


def schedule(fraction: float, *, warmup: float) -> float:
    """Return the share of the peak learning rate, in [0, 1], when fraction of the run, in [0, 1], is done.

    It rises in a line during warmup, a fraction of the run in [0, 1), then falls to 0 in half a cosine.
    """
    if fraction < warmup:
        return max(fraction / warmup, _LEAST_WARMUP_RATE_SHARE)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (fraction - warmup) / (1 - warmup))))


class Rates(NamedTuple):
    """The numbers of the optimisers that change from step to step.

    share, in [0, 1], is that of every peak learning rate; limit is that of the norm of all gradients. They
    are plain numbers, or scalars on the device of the weights, which a CUDA graph reads anew in every replay.
    """

    share: float | Tensor
    limit: float | Tensor


class Optimizers:
    """The optimisers of one model behind one `step`, with a state that can be saved as plain tensors."""

    def __init__(self, model: CharLSTM, config: TrainingConfig) -> None:
        """Create the optimisers that config names for model, which must be on its device already.

        No moments are allocated before the first step.
        """
        self._config = config
        self._parameters = list(model.parameters())
        self._recurrent = [lstm.get_parameter("weight_hh_l0") for lstm in model.layers]
        matrices = [parameter for parameter in model.layers.parameters() if parameter.ndim == 2]
        self._gates = [_GateRows(matrix, gate) for matrix in matrices for gate in range(4)]
        muon_gates = _MUON_GATES[config.optimizer]
        adamw_rows = [gate.rows for gate in self._gates if gate.gate not in muon_gates]
        muon_rows = [gate.rows for gate in self._gates if gate.gate in muon_gates]
        self._optimizers: list[torch.optim.Optimizer] = [_adamw(model, adamw_rows, config)]
        if muon_rows:
            lowered = trains_in_bfloat16(config.precision, model.device)
            self._optimizers.append(_muon(muon_rows, config, torch.bfloat16 if lowered else torch.float32))
        self._peak_rates: list[list[float]] = [
            [group["lr"] for group in optimizer.param_groups] for optimizer in self._optimizers
        ]

    def rates(self, fraction: float) -> Rates:
        """Return the rates of a step when fraction of the run, in [0, 1], is done."""
        limit = self._config.clip_norm * (_WARMUP_CLIP_SHARE if fraction < self._config.warmup else 1.0)
        return Rates(schedule(fraction, warmup=self._config.warmup), limit)

    def step(self, rates: Rates) -> Tensor:
        """Clip the gradients, update every parameter and clear the gradients.

        Returns the norm of all gradients before clipping, a scalar.
        """
        norm = self._clip(rates.limit)
        for gate in self._gates:
            gate.take_gradient()
        capturing = norm.is_cuda and torch.cuda.is_current_stream_capturing()
        for optimizer, peak_rates in zip(self._optimizers, self._peak_rates, strict=True):
            for group, peak_rate in zip(optimizer.param_groups, peak_rates, strict=True):
                group["lr"] = peak_rate * rates.share
                group["capturable"] = capturing  # torch wants it then, and warns of it at other times
            optimizer.step()
        self._shrink_recurrent(self._config.recurrent_l1 * self._config.learning_rate * rates.share)
        for parameter in self._parameters:
            parameter.grad = None
        return norm

    def _clip(self, limit: float | Tensor) -> Tensor:
        """Scale all gradients down to the limit of their norm; return the norm before that, a scalar."""
        norm = get_total_norm(each.grad for each in self._parameters if each.grad is not None)
        if isinstance(limit, Tensor):  # torch reads the limit on the host, which a CUDA graph cannot
            clip_grads_with_norm_(self._parameters, 1.0, norm / limit)
        else:
            clip_grads_with_norm_(self._parameters, limit, norm)
        return norm

    @torch.no_grad()
    def _shrink_recurrent(self, distance: float | Tensor) -> None:
        """Move every recurrent weight by distance towards 0, and no further (Daubechies et al. 2004)."""
        if not self._config.recurrent_l1:
            return
        for matrix in self._recurrent:
            matrix.sub_(matrix.clamp(-distance, distance))  # type: ignore[arg-type]

    def learning_rate(self, fraction: float) -> float:
        """Return Muon's learning rate when fraction of the run, in [0, 1], is done."""
        return self._config.learning_rate * schedule(fraction, warmup=self._config.warmup)

    def tensors(self) -> dict[str, Tensor]:
        """Return the state of every optimiser, each tensor named OPTIMISER.PARAMETER.STATE.

        OPTIMISER and PARAMETER are numbers from 0, STATE is torch's name, such as exp_avg.
        """
        return {
            f"{number}.{index}.{name}": tensor
            for number, optimizer in enumerate(self._optimizers)
            for index, state in optimizer.state_dict()["state"].items()
            for name, tensor in state.items()
        }

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return by name the shapes of the tensors that `tensors` gives after the first step."""
        return {
            f"{number}.{index}.{name}": tuple(parameter.shape) if like_parameter else ()
            for number, optimizer in enumerate(self._optimizers)
            for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"])
            for name, like_parameter in _STATE_HAS_PARAMETER_SHAPE[type(optimizer)].items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Put every optimiser into the state that `tensors` gave. Raises ValueError for other names."""
        for number, optimizer in enumerate(self._optimizers):
            state: dict[int, dict[str, Any]] = {}
            for key, tensor in tensors.items():
                owner, index, name = key.split(".")
                if int(owner) == number:
                    state.setdefault(int(index), {})[name] = tensor
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})


class _GateRows:
    """One gate's rows of an LSTM matrix, as a parameter that shares the matrix's memory."""

    def __init__(self, matrix: nn.Parameter, gate: int) -> None:
        """Take the rows of gate, 0 to 3 for i, f, g, o, out of matrix (4 * cells, inputs)."""
        self.gate = gate
        cells = matrix.shape[0] // 4
        self._matrix = matrix
        self._span = slice(gate * cells, (gate + 1) * cells)
        self.rows = nn.Parameter(matrix.data[self._span])

    def take_gradient(self) -> None:
        """Set the gradient of the rows to that of the matrix, without a copy."""
        assert self._matrix.grad is not None
        self.rows.grad = self._matrix.grad[self._span]


def _adamw(model: CharLSTM, rows: list[nn.Parameter], config: TrainingConfig) -> AdamW:
    """Return AdamW for rows, the LSTM's rows that Muon does not train, and all that is not an LSTM matrix."""
    biases = [parameter for parameter in model.layers.parameters() if parameter.ndim == 1]
    groups = [
        (_HEAD_RATE_FACTOR, 0.0, list(model.head.parameters())),
        (_EMBEDDING_RATE_FACTOR, 0.0, list(model.embedding.parameters())),
        (_BIAS_RATE_FACTOR, 0.0, biases),
        (_ROW_RATE_FACTOR[config.optimizer], config.weight_decay, rows),
    ]
    settings = [
        {"params": parameters, "lr": config.learning_rate * factor, "weight_decay": decay}
        for factor, decay, parameters in groups
        if parameters
    ]
    return AdamW(settings, betas=_ADAMW_BETAS, fused=True)


def _muon(rows: list[nn.Parameter], config: TrainingConfig, product_dtype: torch.dtype) -> Muon:
    """Return Muon for rows of the LSTM's matrices, each parameter those of one gate."""
    return Muon(
        rows,
        product_dtype=product_dtype,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        adjust_lr_fn="match_rms_adamw",
        ns_steps=_NEWTON_SCHULZ_ROUNDS,
    )
