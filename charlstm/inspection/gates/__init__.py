"""Describe how the gates of a model work: for all cells, and for the cells of one feature.

In reading order:

    saturation      measure how often gates are nearly open or shut, and whether they act independently
    gradients       compute the gradient of the loss at the closers of spans, back to their openers
    gradient_paths  say as plain data how that gradient reaches a set of cells
    wiring          list the weights into and out of one cell
"""
