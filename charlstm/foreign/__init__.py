"""Other people's LSTM language models: weights in a file, or live modules, to a CharLSTM.

unpickler      a pickle, without running anything
pickles        what torch.save wrote
reading        a file of weights as a tree
layouts        which tensor is which
vocabularies   which character is which
recognition    a file to a model with its vocabulary
modules        a live nn.LSTM to a model
"""

from charlstm.foreign.modules import from_modules
from charlstm.foreign.recognition import ForeignModel, load_foreign

__all__ = ["ForeignModel", "from_modules", "load_foreign"]
