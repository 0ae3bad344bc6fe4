"""What a user would otherwise run, in a few plain lines of PyTorch each, and what the machine can do."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.inspection.reading.matrix_product import product

SYMBOLS = 96


class PlainLSTM(nn.Module):
    """The model of every tutorial: an embedding as wide as its layers, `nn.LSTM`, a linear head."""

    def __init__(self, cells: int, layers: int, symbols: int = SYMBOLS) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, cells)
        self.lstm = nn.LSTM(cells, cells, layers, batch_first=True)
        self.head = nn.Linear(cells, symbols)

    def forward(
        self, ids: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        outputs, state = self.lstm(self.embedding(ids), state)
        return self.head(outputs), state


class TrainingLoop:
    """float32, Adam, the state carried from window to window."""

    def __init__(self, cells: int, layers: int, symbols: int = SYMBOLS) -> None:
        self.model = PlainLSTM(cells, layers, symbols)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=2e-3)
        self.state: tuple[Tensor, Tensor] | None = None

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        logits, (h, c) = self.model(inputs, self.state)
        self.state = h.detach(), c.detach()
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    @torch.no_grad()
    def loss(self, ids: Tensor, window: int = 4096) -> float:
        """Nats for each of ids (characters,) but the first, the state carried from the first on."""
        total, state = 0.0, None
        for start in range(0, len(ids) - 1, window):
            targets = ids[start + 1 : start + window + 1]
            logits, state = self.model(ids[None, start : start + len(targets)], state)
            total += functional.cross_entropy(logits[0], targets, reduction="sum").item()
        return total / (len(ids) - 1)


@torch.inference_mode()
def step_lstm(model: PlainLSTM, characters: int, streams: int = 1) -> None:
    """Draw by calling `nn.LSTM` for every character."""
    ids, state = torch.zeros(streams, 1, dtype=torch.long), None
    for _ in range(characters):
        logits, state = model(ids, state)
        ids = torch.multinomial(logits[:, 0].softmax(1), 1)


class CellLSTM:
    """The same layers as `nn.LSTMCell`s."""

    def __init__(self, cells: int, layers: int) -> None:
        self.embedding = nn.Embedding(SYMBOLS, cells)
        self.layers = [nn.LSTMCell(cells, cells) for _ in range(layers)]
        self.head = nn.Linear(cells, SYMBOLS)

    @torch.inference_mode()
    def draw(self, characters: int) -> None:
        """Draw by calling every `nn.LSTMCell` for every character."""
        ids, states = torch.zeros(1, dtype=torch.long), [None] * len(self.layers)
        for _ in range(characters):
            x = self.embedding(ids)
            for number, layer in enumerate(self.layers):
                states[number] = layer(x, states[number])
                x = states[number][0]
            ids = torch.multinomial(self.head(x).softmax(1), 1)[:, 0]

    @torch.inference_mode()
    def gates(self, ids: Tensor) -> list[list[Tensor]]:
        """i, f, g, o, c, h of every layer, each (streams, positions, cells), for ids (streams, positions)."""
        x, kept = self.embedding(ids), []
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
            kept.append([torch.stack(each, dim=1) for each in zip(*steps, strict=True)])
            x = kept[-1][-1]
        return kept


def product_rate(dtype: torch.dtype, size: int = 2048) -> float:
    """Operations per second of a square matrix product: the best of several by two libraries."""
    left, right = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    return 2 * size**3 / min(_best_seconds(lambda: left @ right), _best_seconds(lambda: product(left, right)))


def bandwidth(megabytes: int = 256) -> float:
    """Bytes per second read from memory by a sum over an array larger than any cache, the best of several."""
    numbers = torch.ones(megabytes * 250_000)
    return 4 * numbers.numel() / _best_seconds(numbers.sum)


def clock() -> float:
    """Seconds: of this process on one thread, which others on the machine disturb less; else the wall's."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def seconds(run: Callable[[], object]) -> float:
    start = clock()
    run()
    return clock() - start


def _best_seconds(run: Callable[[], object]) -> float:
    return min(seconds(run) for _ in range(7))
