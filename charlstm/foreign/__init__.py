"""Import LSTM language models that were trained elsewhere, from files of weights or from live modules.

allowed_names   the names that a pickle may use, and what is called in their place
unpickler       reads one pickle without running anything in it
pickles         reads the formats of torch.save and pickle.dump
weights_file    reads any file of weights as a tree
layouts         PyTorch, Keras, TensorFlow: shapes, gate orders and names of tensors
weights         the weights in CharLSTM's gate order, and the CharLSTM made of them
assignment      decides which tensor is which
refusals        says why no assignment fits
vocabularies    finds which character each id stands for
recognition     turns a file into a CharLSTM with its vocabulary
modules         turns a live nn.LSTM with embedding and head into a CharLSTM
"""

from charlstm.foreign.modules import from_modules
from charlstm.foreign.recognition import ForeignModel, load_foreign

__all__ = ["ForeignModel", "from_modules", "load_foreign"]
