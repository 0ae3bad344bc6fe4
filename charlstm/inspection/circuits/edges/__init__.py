"""Measure what passes between single cells, along one path at a time.

In reading order:

    lone_cells    follow a change through single cells while all other cells stay as they are
    cell_edges    measure what passes from a cell to the prediction, directly or through other cells
    driver_edges  measure what passes from a feature's driver to the gates of a cell
"""
