"""What the commands do that hand a run to others.

export          `charlstm export`: a run's model as a file of another program
push            `charlstm push`: a run on the Hugging Face hub
"""
