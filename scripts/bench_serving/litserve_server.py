"""What LitServe needs to serve a .tflite file: ``litserve_server.py PORT MODEL``."""

import sys

import litserve
import numpy as np
from ai_edge_litert.interpreter import Interpreter


class Digits(litserve.LitAPI):
    """One .tflite file with one input and one output, on one thread."""

    def setup(self, device: str) -> None:
        self._interpreter = Interpreter(model_path=sys.argv[2], num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def decode_request(self, request: dict) -> np.ndarray:
        return np.array(request["image"], np.float32)

    def predict(self, image: np.ndarray) -> np.ndarray:
        self._interpreter.set_tensor(self._input, image)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)

    def encode_response(self, output: np.ndarray) -> dict:
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Digits(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="error",
        generate_client_file=False,
    )
