"""A live `nn.LSTM` with whatever stands before and after it, as a CharLSTM."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from charlstm.errors import UsageError
from charlstm.foreign.parts import Layer, Parts
from charlstm.model.char_lstm import CharLSTM

Head = nn.Module | Callable[[Tensor], Tensor]
Embedding = nn.Module | Callable[[Tensor], Tensor]


@torch.no_grad()
def from_modules(lstm: nn.LSTM, *, embedding: Embedding | None, head: Head) -> CharLSTM:
    """A CharLSTM that computes what head(lstm(embedding(ids))) does, from copies of the weights.

    embedding takes ids (n,) int64 to (n, lstm.input_size), or is None for one-hot input; it is evaluated once
    for every symbol. head takes (n, lstm.hidden_size) to (n, vocabulary) and is affine: an `nn.Linear`, or a
    function that is probed at zero and at every unit vector and compared on random inputs. Dropout between
    layers is left out, as in evaluation mode.
    Raises UsageError for a bidirectional LSTM or one with projections, and for an embedding or a head that
    does not fit, is not affine or not the same every time, or not finite.
    """
    _refuse_variants(lstm)
    weight, bias = _affine(head, lstm)
    table = None if embedding is None else _table(embedding, lstm, len(bias))
    if table is None and lstm.input_size != len(bias):
        raise UsageError(
            f"one-hot input of {len(bias)} symbols does not fit an LSTM of {lstm.input_size} inputs",
            "give the embedding, or a head with as many outputs as there are symbols",
        )
    parts = Parts(table, tuple(_layer(lstm, number) for number in range(lstm.num_layers)), weight, bias)
    if not all(tensor.isfinite().all() for tensor in parts.tensors().values()):
        raise UsageError("the model holds weights that are NaN or infinite", "take weights from before that")
    return parts.model()


def _refuse_variants(lstm: nn.LSTM) -> None:
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


def _layer(lstm: nn.LSTM, number: int) -> Layer:
    """One layer's weights; zeros for biases that there are not."""

    def parameter(name: str) -> Tensor:
        return lstm.get_parameter(f"{name}_l{number}")

    none = torch.zeros(4 * lstm.hidden_size)
    biases = (parameter("bias_ih"), parameter("bias_hh")) if lstm.bias else (none, none)
    return Layer(parameter("weight_ih"), parameter("weight_hh"), *biases)


def _table(embedding: Embedding, lstm: nn.LSTM, size: int) -> Tensor:
    """(size, width): what the embedding makes of every symbol."""
    ids = torch.arange(size, device=lstm.get_parameter("weight_hh_l0").device)
    try:
        table = embedding(ids)
        again = embedding(ids)
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


def _affine(head: Head, lstm: nn.LSTM) -> tuple[Tensor, Tensor]:
    """(vocabulary, cells) and (vocabulary,): a head's weights. Raises UsageError when it is not affine."""
    cells, like = lstm.hidden_size, lstm.get_parameter("weight_hh_l0")
    generator = torch.Generator().manual_seed(0)
    probes = torch.randn(64, cells, generator=generator)

    def applied(inputs: Tensor) -> Tensor:
        outputs = head(inputs.to(like))
        if outputs.dim() != 2 or len(outputs) != len(inputs):
            raise ValueError(f"it makes {tuple(outputs.shape)} of {tuple(inputs.shape)}")
        return outputs.double().cpu()

    try:
        bias = applied(torch.zeros(1, cells))[0]
        weight = (applied(torch.eye(cells)) - bias).t()
        expected = applied(probes)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UsageError(
            f"the head cannot be evaluated for {cells} cells: {error}",
            f"give one from (n, {cells}) to (n, vocabulary)",
        ) from error
    scale = 1 + expected.abs().max()
    if not (torch.addmm(bias, probes.double(), weight.t()) - expected).abs().max() <= 1e-4 * scale:
        raise UsageError(
            "the head is not affine: it differs from a linear layer on random inputs",
            "give the linear layer alone, before a softmax, and in evaluation mode (.eval())",
        )
    if isinstance(head, nn.Linear):  # exact, where probing rounds
        return head.weight.float(), torch.zeros(len(bias)) if head.bias is None else head.bias.float()
    return weight.float(), bias.float()
