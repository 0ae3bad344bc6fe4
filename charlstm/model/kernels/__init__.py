"""The LSTM's arithmetic on the CPU as loops that numba compiles, without torch.

`charlstm.model.equations` is the readable reference. The loops here compute its equations faster and agree
with it but for rounding, in float32 or, where weights or a training window are in bfloat16, in bfloat16.

In reading order:

arithmetic       sigmoid, tanh, the cell state's update, and rounding to bfloat16, of one number or one row
matrix_tiles     matrix products tile by tile, and the weight layouts ("panels") that they read
steps            one step: one character of every stream through every layer; reading and tracing a text
drawing          one draw: the next symbol from logits; texts drawn symbol by symbol
shared_steps     steps and draws of one stream that several threads compute together
training_window  one window of training in bfloat16, forward and backward
llvm_vectors     the inner loop of one tile as LLVM code, for matrix_tiles
jit              the decorator that compiles a loop and keeps the result on disk

Every compiled loop that calls another one must stay in this folder. numba keeps a compiled loop together with
the loops that it calls, but looks for changes only in the loop's own file. Therefore `jit` deletes all that
is kept of this folder as soon as any file in it has changed.
"""
