"""Find the cells whose cell state follows a feature of the text.

In reading order:

- `detect`: the stages below in order, each on its own split of the text
- `calibration`: the mean of every cell and the threshold between its two levels
- `movements`: how every cell moves at every character
- `proposals`: features that the cells propose by how they move
- `scoring`: correlations of all cells with all features
- `null`: the null, which is the scores that circularly shifted features reach by chance
- `discovery`: the candidates, one feature for each cell that passes
- `context`: what is left of a correlation when the last characters, the column and the word are known
- `staircase`: the mean of c at every value of a feature, and what it says about a counter
- `pair_sums`: sums over the candidates and their features
- `confirmation`: the candidates scored again on text that had no part in choosing them
- `naming`: the kind of a cell and the characters that drive it
"""
