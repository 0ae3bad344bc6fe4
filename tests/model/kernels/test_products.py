"""Products with rows of weights are those of numpy, for each number format of the weights."""

import numpy as np
import pytest
import torch

from charlstm.model.kernels.products import add_float_row_products


@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (4, 7), (10, 33), (7, 64)])
def test_products_with_rows_of_weights_are_those_of_numpy(outputs, inputs):
    random = np.random.default_rng(0)
    weights, x, y = (
        random.normal(size=size).astype(np.float32) for size in ((outputs, inputs), inputs, outputs)
    )
    lowered = torch.from_numpy(weights).bfloat16()
    bits = lowered.view(torch.int16).numpy().view(np.uint16)
    for rows, exact in ((weights, weights), (bits, lowered.float().numpy())):
        sums = y.copy()
        add_float_row_products(rows, x, sums)
        np.testing.assert_allclose(sums, y + exact @ x, atol=1e-5)
