"""The LSTM's arithmetic on the CPU as loops that numba compiles, without torch.

`charlstm.model.equations` is the readable reference. The loops here compute its equations faster and agree
with it but for rounding: in float32 or, where weights or a training window are so, in bfloat16 or 8 bits.

In reading order:

arithmetic        sigmoid, tanh, the cell state's update, and rounding to bfloat16, of one number or one row
matrix_tiles      matrix products tile by tile, and the weight layouts ("panels") that they read
integer_products  products of weights of 8 bits, for one stream
library_products  products of pairs by a library where it is faster, called from compiled loops
products          the products of a step, whatever the layout and the number format of the weights
steps             one step: one character of every stream through every layer; reading and tracing a text
drawing           one draw: the next symbol from logits; texts drawn symbol by symbol
shared_steps      steps and draws of one stream that several threads compute together
training_window   one window of training in bfloat16, forward and backward
llvm_vectors      the inner loop of one tile as LLVM code, for matrix_tiles
jit               the decorator that compiles a loop and keeps the result where this user alone can write

Every compiled loop that calls another one must stay in this folder. numba keeps a compiled loop together with
the loops that it calls, but looks for changes only in the loop's own file. Therefore `jit` compiles all
loops of this folder anew as soon as any file in it has changed.
"""
