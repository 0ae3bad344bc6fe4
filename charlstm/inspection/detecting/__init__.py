"""Find the cells whose cell state follows a feature of the text.

In reading order:

- `detect`: the stages below in order, each on its own split of the text
- `calibration`: the mean of every cell and the threshold between its two levels
- `movements`: how every cell moves at every character
- `proposals`: features that the cells propose by how they move
- `scores`: how well a cell follows a feature, and what chance reaches
- `margins`: what reference networks reach with a feature
- `discovery`: the candidates, up to three features for each cell that passes
- `runner_up`: features that overlap, contrasted where they differ
- `pair_sums`: sums over the candidates and their features
- `levels`: whether a cell has two levels
- `confirmation`: the candidates scored again on text that had no part in choosing them
- `naming`: the kind of a cell and the characters that drive it
"""
