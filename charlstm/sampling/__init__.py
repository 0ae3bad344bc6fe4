"""Texts that a model writes: characters drawn one after the other from its scores.

In reading order:

sampler           sampling from a CharLSTM on any device: the distribution that is drawn from, and the drawing
blocks            sampling by the compiled loops, block by block, without torch
captured_drawing  drawing on a GPU: a character as one CUDA graph
held_cells        the cells that are held at a character
spelling          a prompt to ids, and drawn ids to text
"""
