"""A model written out for where its scores are wanted: JavaScript, SQL, ONNX."""
