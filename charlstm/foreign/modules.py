"""Turn a live `nn.LSTM`, with the embedding before it and the head after it, into a CharLSTM."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from charlstm.errors import UsageError
from charlstm.foreign.weights import ForeignLayer, ForeignWeights
from charlstm.model.char_lstm import CharLSTM

# Ids (n,) int64 to inputs of the LSTM (n, lstm.input_size).
Embedding = nn.Module | Callable[[Tensor], Tensor]
# Hidden states (n, lstm.hidden_size) to scores (n, vocabulary).
Head = nn.Module | Callable[[Tensor], Tensor]

_RANDOM_PROBES = 64  # random hidden states on which a head must equal an affine function
_PROBE_TOLERANCE = 1e-4  # of 1 + the largest score on them


@torch.no_grad()
def from_modules(lstm: nn.LSTM, *, embedding: Embedding | None, head: Head) -> CharLSTM:
    """Return a CharLSTM that computes head(lstm(embedding(ids))) from copies of the weights.

    embedding maps ids (n,) int64 to (n, lstm.input_size), or is None for one-hot input; it is evaluated once
    for every symbol, so it may be any function. head maps (n, lstm.hidden_size) to (n, vocabulary) and must
    be affine: an `nn.Linear`, or any function that equals one. Dropout between layers is left out, as in
    evaluation mode. Raises UsageError for a bidirectional LSTM or one with projections, for an embedding or a
    head of the wrong shape, for a head that is not affine, for an embedding that differs from call to call,
    and for weights that are NaN or infinite.
    """
    _check_kind(lstm)
    weight, bias = _affine_weights(head, lstm)
    table = None if embedding is None else _embedding_table(embedding, lstm, len(bias))
    if table is None and lstm.input_size != len(bias):
        raise UsageError(
            f"one-hot input of {len(bias)} symbols does not fit an LSTM of {lstm.input_size} inputs",
            "give the embedding, or a head with as many outputs as there are symbols",
        )
    layers = tuple(_layer(lstm, number) for number in range(lstm.num_layers))
    weights = ForeignWeights(table, layers, weight, bias)
    if not all(tensor.isfinite().all() for tensor in weights.state_dict().values()):
        raise UsageError(
            "the model holds weights that are NaN or infinite",
            "take weights from before its training diverged",
        )
    return weights.model()


def _check_kind(lstm: nn.LSTM) -> None:
    """Raise UsageError unless lstm is an `nn.LSTM` of one direction without projections."""
    if not isinstance(lstm, nn.LSTM):
        raise UsageError(f"{type(lstm).__name__} is not an nn.LSTM", "give the nn.LSTM itself")
    if lstm.bidirectional:
        raise UsageError(
            "the LSTM is bidirectional: it reads the text ahead", "give one that reads in one direction"
        )
    if lstm.proj_size:
        raise UsageError(
            f"the LSTM has projections (proj_size {lstm.proj_size})", "give one without: proj_size=0"
        )


def _layer(lstm: nn.LSTM, number: int) -> ForeignLayer:
    """Return the weights of layer number of lstm, with zeros for the biases if it has none."""

    def parameter(name: str) -> Tensor:
        return lstm.get_parameter(f"{name}_l{number}")

    zeros = torch.zeros(4 * lstm.hidden_size)
    biases = (parameter("bias_ih"), parameter("bias_hh")) if lstm.bias else (zeros, zeros)
    return ForeignLayer(parameter("weight_ih"), parameter("weight_hh"), *biases)


def _embedding_table(embedding: Embedding, lstm: nn.LSTM, size: int) -> Tensor:
    """Return (size, lstm.input_size) float32: what embedding makes of each of size symbols.

    Raises UsageError when embedding fails, gives another shape, or gives other numbers when called again.
    """
    ids = torch.arange(size, device=lstm.get_parameter("weight_hh_l0").device)
    try:
        table, again = (_checked_tensor(embedding(ids)) for _ in range(2))
    except (IndexError, RuntimeError, ValueError, TypeError) as error:
        raise UsageError(
            f"the embedding cannot be evaluated for {size} symbols: {error}",
            "give an embedding of as many symbols as the head has outputs",
        ) from error
    if table.shape != (size, lstm.input_size):
        raise UsageError(
            f"the embedding makes {tuple(table.shape)} of {size} symbols for {lstm.input_size} inputs",
            f"give one from ids (n,) to (n, {lstm.input_size})",
        )
    if not torch.equal(table, again):
        raise UsageError("the embedding differs from call to call", "put it in evaluation mode: .eval()")
    return table.float()


def _checked_tensor(outputs: object) -> Tensor:
    """Return outputs of a module. Raises TypeError when they are not one tensor."""
    if not isinstance(outputs, Tensor):
        raise TypeError(f"it makes a {type(outputs).__name__}, not a tensor")
    return outputs


def _affine_weights(head: Head, lstm: nn.LSTM) -> tuple[Tensor, Tensor]:
    """Return the weight (vocabulary, cells) and the bias (vocabulary,) of head, as float32.

    head is evaluated at zero, which gives the bias, at every unit vector, which gives the columns of the
    weight, and at random hidden states, where an affine function must give the same scores. Raises UsageError
    when head fails, gives another shape, or is not affine.
    """
    cells, like = lstm.hidden_size, lstm.get_parameter("weight_hh_l0")
    generator = torch.Generator().manual_seed(0)
    probes = torch.randn(_RANDOM_PROBES, cells, generator=generator)

    def scores(hidden: Tensor) -> Tensor:
        outputs = _checked_tensor(head(hidden.to(like)))
        if outputs.dim() != 2 or len(outputs) != len(hidden):
            raise ValueError(f"it makes {tuple(outputs.shape)} of {tuple(hidden.shape)}")
        return outputs.double().cpu()

    try:
        bias = scores(torch.zeros(1, cells))[0]
        weight = (scores(torch.eye(cells)) - bias).t()
        expected = scores(probes)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UsageError(
            f"the head cannot be evaluated for {cells} cells: {error}",
            f"give one from (n, {cells}) to (n, vocabulary)",
        ) from error
    largest_difference = (torch.addmm(bias, probes.double(), weight.t()) - expected).abs().max()
    # "not <=" refuses a NaN, too.
    if not largest_difference <= _PROBE_TOLERANCE * (1 + expected.abs().max()):
        raise UsageError(
            "the head is not affine: it differs from a linear layer on random inputs",
            "give the linear layer alone, before a softmax, and in evaluation mode (.eval())",
        )
    if isinstance(head, nn.Linear):  # its own weights are exact; the differences above are rounded
        return head.weight.float(), torch.zeros(len(bias)) if head.bias is None else head.bias.float()
    return weight.float(), bias.float()
