"""A function as a graph, without a GPU: there it stays itself."""

import torch

from charlstm.machine.cuda_graphs import as_graph


def test_without_a_gpu_the_function_is_called_before_and_stays_itself():
    count = torch.zeros(())

    def body():
        count.add_(1)

    run = as_graph(body, torch.device("cpu"), torch.Generator())
    warmed_up = int(count)
    assert warmed_up > 0
    run()
    assert int(count) == warmed_up + 1
