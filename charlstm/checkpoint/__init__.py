"""Runs on disk: the files of a run's folder, written whole and checked before anything in them is used.

tensor_file  arrays and numbers in one safetensors file, with a checksum
record       config.json: the model, its training, its vocabulary and its text
weights      model.safetensors: the best weights, read without torch
snapshots    snapshots.safetensors: the weights at several points of the training
loading      a run read back as a model that is ready for use
run_folder   a run's folder for writing: one training at a time, saving and resuming
"""
