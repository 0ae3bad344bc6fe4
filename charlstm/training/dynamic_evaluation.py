"""Dynamic evaluation: the loss of a model on a text that it goes on learning from as it reads.

Each segment is predicted by weights that were trained on the text before it only. Then the weights take one
step down the loss of that segment, and a small step back to where they were (Mikolov 2010). The rule is that
of Krause et al. 2018, where gradients are divided by the root of their mean square; here that mean is over
the text read so far, there over the training text.
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

# Learning rate and return share were chosen on validation splits of program text and of prose; see
# tests/benchmarks/EXPERIMENTS.md.
SEGMENT_CHARACTERS = 64
LEARNING_RATE = 1e-3
# The share of the way back to the trained weights that follows each step.
_RETURN_SHARE = 3e-3
# What is added to the root of the mean square, so that a weight without gradients divides by no zero.
_ROOT_MEAN_SQUARE_OFFSET = 1e-8


def adapting_losses(model: CharLSTM, ids: Ids, *, rate: float = LEARNING_RATE) -> Iterator[Losses]:
    """Yield the losses of ids (characters,), token ids, in order, a block for SEGMENT_CHARACTERS at a time.

    The first character has no loss. A copy of model learns; model itself does not change. rate is about how
    far a weight moves in a step, 0 for not at all. Raises CorpusError when ids has fewer than two characters.
    """
    if len(ids) < 2:
        raise CorpusError(f"a text of {len(ids)} characters leaves nothing to predict", "give two at least")
    learner = copy.deepcopy(model).eval().requires_grad_()
    for layer in learner.layers:
        layer.train()  # no dropout is in it, and cuDNN keeps what gradients need in training mode only
    weights = _AdaptingWeights(list(learner.parameters()), rate)
    state = learner.initial_state(1)
    for first in range(0, len(ids) - 1, SEGMENT_CHARACTERS):
        segment = ids[first : first + SEGMENT_CHARACTERS + 1].astype(np.int64)
        read = torch.from_numpy(segment).to(learner.device)
        with torch.enable_grad():
            logits, state = learner(read[None, :-1], state)
            nats = functional.cross_entropy(logits[0].float(), read[1:], reduction="none")
            gradients = torch.autograd.grad(nats.mean(), weights.parameters)
        state = state.detach()
        yield Losses(first + 1, nats.detach().cpu())
        weights.step(gradients)


class _AdaptingWeights:
    """The parameters that learn, the values that they return to, and the mean of their squared gradients."""

    def __init__(self, parameters: Sequence[nn.Parameter], rate: float) -> None:
        self.parameters = parameters
        self._rate = rate
        self._trained = [parameter.detach().clone() for parameter in parameters]
        self._square_sums = [torch.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Take one step down gradients, one for each parameter and of its shape, and a small step back."""
        self._steps += 1
        for parameter, trained, square_sum, gradient in zip(
            self.parameters, self._trained, self._square_sums, gradients, strict=True
        ):
            square_sum.addcmul_(gradient, gradient)
            root_mean_square = (square_sum / self._steps).sqrt_().add_(_ROOT_MEAN_SQUARE_OFFSET)
            parameter.addcdiv_(gradient, root_mean_square, value=-self._rate).lerp_(trained, _RETURN_SHARE)
