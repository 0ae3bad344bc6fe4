"""The LSTM's arithmetic as compiled loops: steps of some streams, what is drawn after them, training.

A library's LSTM is made for windows: stepped one character at a time it packs its weights anew for
every character. Here one step costs one pass over the weights. Threads that have streams of their own meet
only after many steps; those that share one stream meet after every layer. `cell` is the readable
reference; these equal it to float32 rounding, but for weights and windows in bfloat16. This package imports
nothing by itself.
"""
