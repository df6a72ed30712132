"""What MLServer needs to serve a .tflite file: a runtime of its own, as lean as can be."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class TFLite(MLModel):
    """One .tflite file with one input and one output, on one thread."""

    async def load(self) -> bool:
        self._interpreter = Interpreter(model_path=self.settings.parameters.uri, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = payload.inputs[0]
        # Faster than MLServer's own codecs, and than a thread: it takes microseconds.
        array = np.array(given.data.root, np.float32).reshape(given.shape)
        self._interpreter.set_tensor(self._input, array)
        self._interpreter.invoke()
        answer = self._interpreter.get_tensor(self._output["index"])
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                ResponseOutput(
                    name=self._output["name"],
                    shape=list(answer.shape),
                    datatype="FP32",
                    data=answer.ravel().tolist(),
                )
            ],
        )
