"""The Open Inference Protocol as tritonclient[http] speaks it, unmodified."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from running import RunningDaemon, wait_until
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

ROW = np.array([[1.5, -2.0, 0.25]], np.float32)


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(f"127.0.0.1:{daemon.port}", concurrency=4)
    yield client
    client.close()


def tensor(name: str, array: np.ndarray, datatype: str, binary: bool) -> triton.InferInput:
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def test_server_is_live_and_ready(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()


def test_server_metadata_names_the_extensions(client: triton.InferenceServerClient) -> None:
    metadata = client.get_server_metadata()
    assert metadata["name"] == "pi-edge"
    assert {"binary_tensor_data", "statistics", "model_repository"} <= set(metadata["extensions"])


def test_model_metadata_tells_names_types_and_shapes(client: triton.InferenceServerClient) -> None:
    metadata = client.get_model_metadata("mnist-mlp", "int8")
    assert metadata["name"] == "mnist-mlp"
    assert sorted(metadata["versions"]) == ["float16", "float32", "int8"]
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 28, 28]}]
    assert metadata["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]


def test_model_config_tells_types_and_dimensions(client: triton.InferenceServerClient) -> None:
    config = client.get_model_config("same-string")
    assert config["input"] == [{"name": "x", "data_type": "TYPE_STRING", "dims": [2, 2]}]


def test_versions_are_ready_and_unknown_ones_are_not(client: triton.InferenceServerClient) -> None:
    assert client.is_model_ready("mnist-mlp")
    assert client.is_model_ready("mnist-mlp", "float16")
    assert not client.is_model_ready("mnist-mlp", "float8")
    assert not client.is_model_ready("nobody")


@pytest.mark.parametrize("binary_in", [False, True])
@pytest.mark.parametrize("binary_out", [False, True])
def test_infers_with_json_and_binary_tensors(
    client: triton.InferenceServerClient, binary_in: bool, binary_out: bool
) -> None:
    result = client.infer(
        "double",
        [tensor("x", ROW, "FP32", binary_in)],
        outputs=[triton.InferRequestedOutput("y", binary_data=binary_out)],
    )
    np.testing.assert_array_equal(result.as_numpy("y"), ROW * 2)


def test_answers_in_binary_when_no_output_is_named(client: triton.InferenceServerClient) -> None:
    result = client.infer("double", [tensor("x", ROW, "FP32", True)])
    assert result.get_output("y")["parameters"]["binary_data_size"] == ROW.nbytes
    np.testing.assert_array_equal(result.as_numpy("y"), ROW * 2)


def test_binary_inputs_follow_each_other(client: triton.InferenceServerClient) -> None:
    a, b = np.array([2**40, -3]), np.array([1, 2])
    result = client.infer("sum", [tensor("b", b, "INT64", True), tensor("a", a, "INT64", True)])
    np.testing.assert_array_equal(result.as_numpy("sum"), a + b)
    np.testing.assert_array_equal(result.as_numpy("difference"), a - b)


def test_binary_and_json_mix(client: triton.InferenceServerClient) -> None:
    a, b = np.array([5, 7]), np.array([1, 2])
    result = client.infer(
        "sum",
        [tensor("a", a, "INT64", True), tensor("b", b, "INT64", False)],
        outputs=[
            triton.InferRequestedOutput("sum", binary_data=False),
            triton.InferRequestedOutput("difference", binary_data=True),
        ],
    )
    np.testing.assert_array_equal(result.as_numpy("sum"), a + b)
    np.testing.assert_array_equal(result.as_numpy("difference"), a - b)


def test_only_the_outputs_asked_for_come_back(client: triton.InferenceServerClient) -> None:
    pair = np.array([1, 2])
    result = client.infer(
        "sum",
        [tensor("a", pair, "INT64", True), tensor("b", pair, "INT64", True)],
        outputs=[triton.InferRequestedOutput("difference")],
    )
    assert [output["name"] for output in result.get_response()["outputs"]] == ["difference"]


@pytest.mark.parametrize("binary", [False, True])
def test_text_goes_in_and_comes_out(client: triton.InferenceServerClient, binary: bool) -> None:
    text = np.array([["ä", ""], ["two words", "日本"]], object)
    result = client.infer(
        "same-string",
        [tensor("x", text, "BYTES", binary)],
        outputs=[triton.InferRequestedOutput("y", binary_data=binary)],
    )
    words = [word.decode() if binary else word for word in result.as_numpy("y").ravel()]
    assert words == list(text.ravel())


def test_bytes_that_are_no_text_survive_as_binary(client: triton.InferenceServerClient) -> None:
    raw = np.array([[b"\xff\x00", b"\x00"], [b"", b"end\x00"]], object)
    result = client.infer("same-string", [tensor("x", raw, "BYTES", True)])
    assert list(result.as_numpy("y").ravel()) == list(raw.ravel())


@pytest.mark.parametrize(
    ("model", "array", "datatype"),
    [
        ("same-bool", np.array([[True, False], [False, True]]), "BOOL"),
        ("same-float16", np.array([[0.5, 1], [-2, 3]], np.float16), "FP16"),
    ],
)
def test_other_types_survive_as_binary(
    client: triton.InferenceServerClient, model: str, array: np.ndarray, datatype: str
) -> None:
    result = client.infer(model, [tensor("x", array, datatype, True)])
    np.testing.assert_array_equal(result.as_numpy("y"), array)


def test_each_variant_is_a_version(client: triton.InferenceServerClient) -> None:
    image = np.zeros((2, 28, 28), np.float32)
    for version in ("float32", "float16", "int8"):
        result = client.infer("mnist-mlp", [tensor("image", image, "FP32", True)], version)
        assert result.get_response()["model_version"] == version
        assert result.as_numpy("probabilities").shape == (2, 10)


def test_the_id_comes_back(client: triton.InferenceServerClient) -> None:
    result = client.infer("double", [tensor("x", ROW, "FP32", True)], request_id="mine")
    assert result.get_response()["id"] == "mine"


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_bodies_may_be_compressed_both_ways(
    client: triton.InferenceServerClient, compression: str
) -> None:
    rows = np.tile(ROW, (2000, 1))
    result = client.infer(
        "double",
        [tensor("x", rows, "FP32", True)],
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )
    np.testing.assert_array_equal(result.as_numpy("y"), rows * 2)


def test_classification_ranks_with_labels(client: triton.InferenceServerClient) -> None:
    result = client.infer(
        "double",
        [tensor("x", ROW, "FP32", True)],
        outputs=[triton.InferRequestedOutput("y", class_count=2)],
    )
    assert list(result.as_numpy("y").ravel()) == [b"3.000000:0:none", b"0.500000:2:many"]


def test_async_inferences_all_answer(client: triton.InferenceServerClient) -> None:
    waiting = [
        client.async_infer("double", [tensor("x", ROW * n, "FP32", True)]) for n in range(20)
    ]
    for n, request in enumerate(waiting):
        np.testing.assert_array_equal(request.get_result().as_numpy("y"), ROW * n * 2)


def test_statistics_count_what_was_asked(client: triton.InferenceServerClient) -> None:
    def counts() -> tuple[int, int]:
        (row,) = client.get_inference_statistics("log", "v2")["model_stats"]
        inner = row["inference_stats"]
        return inner["success"]["count"], inner["fail"]["count"]

    before = counts()
    client.infer("log", [tensor("x", np.ones(3, np.float32), "FP32", True)], "v2")
    with pytest.raises(InferenceServerException):
        client.infer("log", [tensor("x", ROW, "FP32", True)], "v2")
    assert counts() == (before[0] + 1, before[1] + 1)
    (row,) = client.get_inference_statistics("log", "v2")["model_stats"]
    assert row["inference_stats"]["compute_infer"]["ns"] > 0
    assert row["last_inference"] > 1_600_000_000_000


def test_statistics_of_everything_list_every_version(client: triton.InferenceServerClient) -> None:
    rows = client.get_inference_statistics()["model_stats"]
    assert {("mnist-mlp", "int8"), ("double", "v1")} <= {(r["name"], r["version"]) for r in rows}


def test_repository_unloads_and_loads(client: triton.InferenceServerClient) -> None:
    client.unload_model("pick")
    assert not client.is_model_ready("pick")
    states = {
        row["version"]: row["state"]
        for row in client.get_model_repository_index()
        if row["name"] == "pick"
    }
    assert states == {"v1": "UNAVAILABLE", "v2": "UNAVAILABLE"}
    with pytest.raises(InferenceServerException, match="unloaded"):
        client.infer("pick", [tensor("i", np.zeros(1, np.int32), "INT32", True)])
    client.load_model("pick")
    assert wait_until(lambda: client.is_model_ready("pick"))
    result = client.infer("pick", [tensor("i", np.array([2], np.int32), "INT32", True)])
    np.testing.assert_array_equal(result.as_numpy("y"), [3.0])


def test_what_is_unknown_is_said_in_one_line(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="there is no model 'nobody'"):
        client.get_model_metadata("nobody")
    with pytest.raises(InferenceServerException, match="there is no model 'nobody'"):
        client.load_model("nobody")
    with pytest.raises(InferenceServerException, match="cannot be given"):
        client.load_model("double", config='{"max_batch_size": 8}')
