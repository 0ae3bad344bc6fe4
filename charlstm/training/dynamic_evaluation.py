"""Dynamic evaluation: how well a model predicts a text that it goes on learning from.

Each segment is scored by weights that have seen only the text before it; then they take one step down its
loss, and a small one back to where they were (Mikolov 2010; the rule is that of Krause 2018, with the mean
squared gradients of the text so far in the place of the training text's).
"""

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.errors import CorpusError
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.vocabulary import Ids
from charlstm.training.evaluation import Losses

# Characters that are scored before each step.
SEGMENT = 64
RATE = 1e-3
# The share of the way back to the trained weights that follows each step.
RETURN = 3e-3
_LEAST = 1e-8


def adapting_losses(model: CharLSTM, ids: Ids, *, rate: float = RATE) -> Iterator[Losses]:
    """Yield the loss of every character but the first of ids (characters,), a segment at a time, in order.

    A copy of the model learns, the model itself stays as it is. rate is about how far a weight moves in a
    step. RATE and RETURN were chosen on validation splits of program text and of prose.
    Raises CorpusError when there is nothing to predict.
    """
    if len(ids) < 2:
        raise CorpusError(f"a text of {len(ids)} characters leaves nothing to predict", "give two at least")
    learner = copy.deepcopy(model).eval().requires_grad_()
    for layer in learner.layers:
        layer.train()  # it has no dropout of its own, and a GPU keeps what gradients need in this mode alone
    weights = _Weights(list(learner.parameters()), rate)
    state = learner.initial_state(1)
    for first in range(0, len(ids) - 1, SEGMENT):
        read = torch.from_numpy(ids[first : first + SEGMENT + 1].astype(np.int64)).to(learner.device)
        with torch.enable_grad():
            logits, state = learner(read[None, :-1], state)
            nats = functional.cross_entropy(logits[0].float(), read[1:], reduction="none")
            gradients = torch.autograd.grad(nats.mean(), weights.now)
        state = state.detach()
        yield Losses(first + 1, nats.detach().cpu())
        weights.step(gradients)


class _Weights:
    """Weights that learn, where they began, and the mean of their squared gradients."""

    def __init__(self, now: Sequence[nn.Parameter], rate: float) -> None:
        self.now = now
        self._rate = rate
        self._began = [weight.detach().clone() for weight in now]
        self._squares = [torch.zeros_like(weight) for weight in now]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        self._steps += 1
        for weight, began, square, gradient in zip(
            self.now, self._began, self._squares, gradients, strict=True
        ):
            square.addcmul_(gradient, gradient)
            size = (square / self._steps).sqrt_().add_(_LEAST)
            weight.addcdiv_(gradient, size, value=-self._rate).lerp_(began, RETURN)
