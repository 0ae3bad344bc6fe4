"""The numbers that say how a cell follows a feature, each summed over a split in one pass.

In reading order:

- `scoring`: correlations of all cells with all features
- `equal_share`: the correlation with a switch or a depth as if it were on half of the time
- `shifts`: how far features are shifted along the text to learn what chance does
- `shifted_scores`: the scores with features shifted so
- `null`: the p-values that follow
- `context`: what is left of a correlation when the last characters, the column and the word are known
- `staircase`: the mean of c at every value of a feature, and what it says about a counter
- `separation`: how often c tells that a switch is on, and how long a cell keeps its side
"""
