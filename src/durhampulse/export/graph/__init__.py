"""A model as one ONNX graph of standard operators."""
