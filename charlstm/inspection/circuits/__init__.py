"""Find which cells a behaviour rests on, alone and together, and what passes between them.

In reading order:

    unrolled         run the network by its equations, with all that happens inside it
    attribution      estimate by a gradient what every cell of every layer does to a behaviour
    trigram          predict the next character from the last two, as the floor of every behaviour
    behaviour_sites  the closers of one behaviour with that floor, and experiments on sets of cells
    single_cells     what single cells really do to a behaviour, beside their attributions
    unexpected       list the cells that a behaviour needs and that follow no feature
    sets             measure what sets of cells alone keep of a behaviour, and what is left without them
    smallest_set     find the smallest set of cells that keeps nearly all of a behaviour
    lone_cells       follow a change through single cells while all other cells stay as they are
    edges            measure what passes from a cell to the prediction, directly or through other cells
    driver_edges     measure what passes from a feature's driver to the gates of a cell
    circuits         go through all behaviours of the cells that were found
"""
