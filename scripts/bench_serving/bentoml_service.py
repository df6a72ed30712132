"""What BentoML needs to serve a .tflite file: a service, as its documentation writes one."""

import os

import bentoml
import numpy as np
from ai_edge_litert.interpreter import Interpreter


@bentoml.service(workers=1, metrics={"enabled": False})
class Digits:
    """One .tflite file with one input and one output, on one thread."""

    def __init__(self) -> None:
        self._interpreter = Interpreter(model_path=os.environ["MODEL"], num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    @bentoml.api
    async def predict(self, image: np.ndarray) -> np.ndarray:
        # Within the event loop, which is faster than a thread: it takes microseconds.
        self._interpreter.set_tensor(self._input, image.astype(np.float32))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)
