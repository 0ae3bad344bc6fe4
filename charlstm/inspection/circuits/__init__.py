"""Find which cells a behaviour rests on, alone and together, and what passes between them.

In reading order:

    unrolled      run the network by its equations, with all that happens inside it
    attribution   estimate by a gradient what every cell of every layer does to a behaviour
    trigram       predict the next character from the last two, as the floor of every behaviour
    tested_sites  the closers of one behaviour, with the floor, and what single cells really do to them
    unexpected    list the cells that a behaviour needs and that follow no feature
    sets          measure what sets of cells alone keep of a behaviour, and what is left without them
    smallest_set  find the smallest set of cells that keeps nearly all of a behaviour
    lone_cells    follow a change through single cells while all other cells stay as they are
    edges         measure what passes from drivers to gates, from cell to cell, and to the prediction
    circuits      go through all behaviours of the cells that were found
"""
