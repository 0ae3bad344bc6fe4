"""A run for others: as a file that other programs read, as a folder, and on the Hugging Face hub.

plain_lstm      the state dict of an embedding, an `nn.LSTM` and a linear head, with the vocabulary
onnx_model      an ONNX model that reads ids and returns logits and the state
run_for_others  a run's folder without what this machine alone has or needs
hub_run         runs on the Hugging Face hub, fetched and sent
"""
