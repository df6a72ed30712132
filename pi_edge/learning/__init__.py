"""Models learn where they serve: training inside the TFLite runtime, without TensorFlow.

A model that can learn has a second file, train.tflite, whose signatures take a batch of examples
through one step of Adam. What it has learned is written into copies of the model's own files,
so that the result is a model like any other.
"""
