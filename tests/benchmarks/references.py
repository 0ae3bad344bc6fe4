"""Plain PyTorch code that charlstm is compared with, and measurements of what the machine can do at most."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.inspection.reading.matrix_product import product
from charlstm.machine.speed.rates import best_seconds

SYMBOLS = 96


class PlainLSTM(nn.Module):
    """A model as tutorials write it: an embedding as wide as the layers, `nn.LSTM` and a linear head."""

    def __init__(self, cells: int, layers: int, symbols: int = SYMBOLS) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, cells)
        self.lstm = nn.LSTM(cells, cells, layers, batch_first=True)
        self.head = nn.Linear(cells, symbols)

    def forward(
        self, ids: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return logits (streams, positions, symbols) and the state (h, c) after ids (streams, positions)."""
        outputs, state = self.lstm(self.embedding(ids), state)
        return self.head(outputs), state


class TrainingLoop:
    """A training as tutorials write it: float32, Adam, and the state carried from window to window."""

    def __init__(self, cells: int, layers: int, symbols: int = SYMBOLS) -> None:
        self.model = PlainLSTM(cells, layers, symbols)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=2e-3)
        self.state: tuple[Tensor, Tensor] | None = None

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """Update the parameters once, with inputs and targets (streams, positions) int64."""
        logits, (h, c) = self.model(inputs, self.state)
        self.state = h.detach(), c.detach()
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    @torch.no_grad()
    def loss(self, ids: Tensor, window: int = 4096) -> float:
        """Return the mean loss in nats on ids (characters,) int64, all but the first, read as one stream."""
        total, state = 0.0, None
        for start in range(0, len(ids) - 1, window):
            targets = ids[start + 1 : start + window + 1]
            logits, state = self.model(ids[None, start : start + len(targets)], state)
            total += functional.cross_entropy(logits[0], targets, reduction="sum").item()
        return total / (len(ids) - 1)


@torch.inference_mode()
def step_lstm(model: PlainLSTM, characters: int, streams: int = 1) -> None:
    """Draw a number of characters in each stream by one call of `nn.LSTM` per character."""
    ids, state = torch.zeros(streams, 1, dtype=torch.long), None
    for _ in range(characters):
        logits, state = model(ids, state)
        ids = torch.multinomial(logits[:, 0].softmax(1), 1)


class CellLSTM:
    """A model of an embedding as wide as the layers, one `nn.LSTMCell` per layer and a linear head."""

    def __init__(self, cells: int, layers: int) -> None:
        self.embedding = nn.Embedding(SYMBOLS, cells)
        self.layers = [nn.LSTMCell(cells, cells) for _ in range(layers)]
        self.head = nn.Linear(cells, SYMBOLS)

    @torch.inference_mode()
    def draw(self, characters: int) -> None:
        """Draw a number of characters by one call of each `nn.LSTMCell` per character."""
        ids, states = torch.zeros(1, dtype=torch.long), [None] * len(self.layers)
        for _ in range(characters):
            x = self.embedding(ids)
            for number, layer in enumerate(self.layers):
                states[number] = layer(x, states[number])
                x = states[number][0]
            ids = torch.multinomial(self.head(x).softmax(1), 1)[:, 0]

    @torch.inference_mode()
    def gates(self, ids: Tensor) -> list[list[Tensor]]:
        """Return i, f, g, o, c, h of each layer for ids (streams, positions).

        Each is (streams, positions, cells), computed from a state of zeros.
        """
        x, traces = self.embedding(ids), []
        for layer in self.layers:
            h = c = torch.zeros(len(ids), layer.hidden_size)
            steps = []
            for position in range(ids.shape[1]):
                sums = functional.linear(x[:, position], layer.weight_ih, layer.bias_ih)
                sums = sums + functional.linear(h, layer.weight_hh, layer.bias_hh)
                i, f, g, o = sums.chunk(4, dim=1)
                i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
                c = f * c + i * g
                h = o * c.tanh()
                steps.append((i, f, g, o, c, h))
            traces.append([torch.stack(values, dim=1) for values in zip(*steps, strict=True)])
            x = traces[-1][-1]
        return traces


def product_rate(dtype: torch.dtype, size: int = 2048) -> float:
    """Return the operations per second of a square matrix product by the faster of torch and charlstm."""
    left, right = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    return (
        2
        * size**3
        / min(
            best_seconds(lambda: left @ right, clock=clock),
            best_seconds(lambda: product(left, right), clock=clock),
        )
    )


def clock() -> float:
    """Return a time in seconds: this process's own on one thread, else that of the wall clock.

    Other work on the machine disturbs the process's own time less.
    """
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def seconds(run: Callable[[], object]) -> float:
    """Return how many seconds a call of run takes, by `clock`."""
    start = clock()
    run()
    return clock() - start
