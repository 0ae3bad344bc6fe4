"""Reading runs a model over the inspected text and sums what its cells do beside the features of the text.

Reading order:
trace.py           gates, cell state and hidden state of every layer at every position of a text
contexts.py        the last few characters before a position, numbered, as the context of a statistic
splits.py          the splits of the text, each read in chunks of bounded size
passage.py         the text of a split with the values of some features along it
kept_states.py     the cell states of a split, kept for a second pass over it
inspected_text.py  the whole text with its splits, and the choice of its features
matrix_product.py  the product of two float32 matrices by the faster of two libraries
accumulators.py    statistics that take block after block: moments, sums by group, histograms
shared_work.py     chunks and jobs dealt out to several processes
"""
