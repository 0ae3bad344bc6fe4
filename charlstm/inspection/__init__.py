"""Opening a model up: exact gates and cell states, reference signals, and the cells that follow them.

`inspect.inspect` reads a model and a text and returns `findings.Findings`. This package imports nothing
by itself: `findings`, which the report page reads, must not pull in torch.
"""
