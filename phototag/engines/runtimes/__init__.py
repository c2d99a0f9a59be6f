"""What runs a network: LiteRT, onnxruntime or TensorFlow."""
