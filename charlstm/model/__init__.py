"""The network: ids of characters go in, a score for every next character comes out.

In reading order:

equations        the LSTM's equations, one character of one layer at a time: the readable reference
char_lstm        CharLSTM, the network as a torch module: embedding, LSTM layers, head; one window at a time
gate_order       the orders of the four gates in other programs, and how rows get from one to another
stepper          the network one character of every stream at a time, on any device, with any functions
packed_weights   a model's weights in the layout that the compiled loops read
streams          streams of characters read, drawn and traced by the compiled loops, without torch
shared_stream    one stream of a large model, read by several threads together
bfloat16_layer   a layer for training in bfloat16 on the CPU, as an autograd function
ready_loops      whether the compiled loops are on disk, and a process that makes them
streams_backend     by which code many streams multiply in bfloat16 on this CPU
training_backend     by which code, and in which number format, a layer is trained on this CPU
kernels          the compiled loops behind streams, stepper and bfloat16_layer
"""
