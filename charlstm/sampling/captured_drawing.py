"""Drawing on a GPU: one character of every stream as one CUDA graph, and a block of characters at a time.

Started kernel by kernel, a character takes several times as long as the GPU computes. Its numbers are read
only after a block, since the GPU stands still meanwhile. On other devices the same steps run as they are.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from charlstm.machine.cuda_graphs import as_graph
from charlstm.model.char_lstm import State
from charlstm.model.stepper import Stepper
from charlstm.sampling.blocks import LONGEST_BLOCK_CHARACTERS, block_lengths


class CapturedDrawing:
    """Streams that draw their next characters by one step, which reads and writes its own tensors only."""

    @torch.inference_mode()
    def __init__(
        self,
        stepper: Stepper,
        state: State,
        ids: Tensor,
        *,
        probabilities: Callable[[Tensor], Tensor],
        generator: torch.Generator,
    ) -> None:
        """Capture the step of streams that are in state before they read ids (streams,) int64.

        probabilities gives those of the next symbol, (streams, vocabulary), from logits of that shape;
        generator, on the device of the streams, decides the draws of all of them. Raises one of
        CAPTURE_ERRORS where the step cannot be captured.
        """
        self._stepper, self._probabilities, self._generator = stepper, probabilities, generator
        # A capture that fails may leave its generator unfit for use, so it gets one of its own.
        self._own = torch.Generator(ids.device)
        self._state, self._ids = State(state.h.clone(), state.c.clone()), ids.clone()
        self._drawn = torch.zeros(LONGEST_BLOCK_CHARACTERS, len(ids), dtype=torch.long, device=ids.device)
        self._number = torch.zeros(1, dtype=torch.long, device=ids.device)
        self._step = as_graph(self._body, ids.device, self._own)
        for kept, given in zip((*self._state, self._ids), (*state, ids), strict=True):
            kept.copy_(given)

    @torch.inference_mode()
    def draw(self, length: int) -> Iterator[list[int]]:
        """Yield `length` lists of ids, the next one of every stream; the numbers of torch.multinomial."""
        self._own.set_state(self._generator.get_state())
        for characters in block_lengths(length):
            self._number.zero_()
            for _ in range(characters):
                self._step()
            self._generator.set_state(self._own.get_state())
            yield from self._drawn[:characters].tolist()

    def _body(self) -> None:
        """Draw the next character of every stream."""
        logits, after = self._stepper(self._ids, self._state)
        # torch.multinomial draws like this, and asks the host in between whether the numbers can be right.
        probabilities = self._probabilities(logits)
        waits = torch.empty_like(probabilities).exponential_(1, generator=self._own)
        self._ids.copy_((probabilities / waits).argmax(1))
        for kept, new in zip(self._state, after, strict=True):
            kept.copy_(new)
        self._drawn.index_copy_(0, self._number, self._ids[None])
        self._number.add_(1)
