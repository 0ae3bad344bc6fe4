"""Read files of weights that other programs wrote as trees of plain data, running nothing that is in them.

budget          bounds the memory, the nodes and the time that reading one file may take
placeholders    what stands for the classes and functions that a pickle names
allowed_names   the names that a pickle may use, and what is called in their place
unpickler       reads one pickle without running anything in it
pickles         reads the formats of torch.save and pickle.dump
contents        what is in one file, whatever wrote it
hdf5_process    reads the arrays of an HDF5 file in a process of its own, by h5py
keras_file      reads HDF5 files and .keras archives
onnx_file       reads the LSTM operators of ONNX models, by onnx
other_formats   names formats that cannot be read, and says what to do with them
weights_file    reads any file of weights
tree            goes through the tree of a file, and finds the weights in it
"""
