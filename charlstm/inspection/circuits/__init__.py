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
    contrasts        list choices between two characters, such as ' or ", each as a row of data
    contrast_sites   find the sites and donors of contrasts in a passage
    more_states      read the passage once more, for the states before positions that the proof did not need
    edges            what passes from cell to cell, and from a feature's driver to a cell's gates
    circuits         go through the contrasts and all behaviours of the cells that were found
"""
