"""Import LSTM language models that were trained elsewhere, from files of weights or from live modules.

files/          reads files of weights as trees of plain data, running nothing that is in them
layouts         PyTorch, Keras, TensorFlow, ONNX: shapes, gate orders and names of tensors
weights         the weights in CharLSTM's gate order, and the CharLSTM made of them
gate_arrays     joins the arrays of single gates that Keras 1 saves
assignment      decides which tensor is which
refusals        says why no assignment fits
vocabularies    finds which character each id stands for
recognition     turns a file into a CharLSTM with its vocabulary
modules         turns a live nn.LSTM with embedding and head into a CharLSTM
"""

from charlstm.foreign.modules import from_modules
from charlstm.foreign.recognition import ForeignModel, load_foreign

__all__ = ["ForeignModel", "from_modules", "load_foreign"]
