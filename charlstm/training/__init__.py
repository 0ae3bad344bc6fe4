"""Training a CharLSTM on a text, and measuring how well it predicts one.

README.md           how settings are chosen, what is saved, several processes, precision
text_windows        the text as streams, and the window of each that a step reads
eager_optimizers    torch's Muon and AdamW without what torch.compile needs of them
optimizers          Muon, AdamW, the learning rate's schedule, the L1 pull of recurrent weights
training_progress   the plain numbers of a training: steps, seconds, the best loss so far
run_length          how long a run is and how much of it is done, for extended runs, too
captured_step       a whole step as one CUDA graph, for a GPU
trainer             a model in training: one step at a time, saved and restored between steps
evaluation          the loss of a model on a text
loop                training as a generator of events: steps, measurements, evaluations
default_settings    size, streams, rates, dropout and decay for the length of text and training
dynamic_evaluation  the loss of a model that goes on learning from the text it reads
"""
