"""Writes the seeds in corpus/ anew: small inputs of every kind that each target knows.

.venv/bin/python tests/fuzz/make_corpus.py
"""

from __future__ import annotations

import gzip
import io
import json
import struct
from pathlib import Path

import numpy as np
import PIL.Image

FUZZ = Path(__file__).resolve().parent
DATA = FUZZ.parent / "data"
HERE = FUZZ / "corpus"


def seed(target: str, name: str, content: bytes | str) -> None:
    folder = HERE / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def tensor(datatype: str, shape: list[int], data: object, **more: object) -> dict[str, object]:
    return {"name": "x", "datatype": datatype, "shape": shape, "data": data, **more}


def oip() -> None:
    kinds = {
        "fp32": tensor("FP32", [1, 3], [1, 2.5, 3]),
        "nested": tensor("FP64", [2, 2], [[1, 2], [3, 4]]),
        "int64": tensor("INT64", [2], [1, -2]),
        "uint8": tensor("UINT8", [2], [0, 255]),
        "bool": tensor("BOOL", [2], [True, 0]),
        "fp16": tensor("FP16", [1], [65504]),
        "bytes": tensor("BYTES", [2], ["a", "ü"]),
        "empty": tensor("FP32", [0, 3], []),
    }
    for name, one in kinds.items():
        outputs = [{"name": "x", "parameters": {"classification": 1}}]
        seed("oip_json", name, json.dumps({"id": "1", "inputs": [one], "outputs": outputs}))
        seed("oip_json", f"{name}-plain", json.dumps({"inputs": [one]}))
        binary = {"inputs": [one], "parameters": {"binary_data_output": True}}
        seed("oip_json", f"{name}-binary", json.dumps(binary))
    for name, datatype, shape, data in (
        ("fp32", "FP32", [1, 3], struct.pack("<3f", 1, 2, 3)),
        ("bytes", "BYTES", [2], struct.pack("<I", 1) + b"a" + struct.pack("<I", 0)),
        ("bool", "BOOL", [2], b"\0\1"),
        ("empty", "INT8", [0], b""),
    ):
        one = {"name": "x", "datatype": datatype, "shape": shape}
        one["parameters"] = {"binary_data_size": len(data)}
        text = json.dumps({"inputs": [one]}).encode()
        seed("oip_binary", name, b"=\n" + text + data)
        seed("oip_binary", f"{name}-told", b"%d\n" % len(text) + text + data)


def forms() -> None:
    part = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\n'
    kind = "Content-Type: image/png\r\n"
    kinds = {
        "file": ("boundary=b", f"--b\r\n{part}{kind}\r\nPNG\r\n--b--\r\n"),
        "field": (
            "boundary=b",
            '--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--b--',
        ),
        "quoted": ('boundary="b c"', f"--b c\r\n{part}\r\n\r\n--b c--\r\n"),
        "charset": ("charset=utf-16; boundary=b", f"--b\r\n{part}\r\nx\r\n--b--\r\n"),
        "two": ("boundary=b", f"--b\r\n{part}\r\nx\r\n--b\r\n{part}\r\ny\r\n--b--\r\n"),
        "cut": ("boundary=b", f"--b\r\n{part}\r\nx"),
        "none": ("", "x"),
    }
    for name, (options, body) in kinds.items():
        seed("multipart", name, f"\x03multipart/form-data; {options}\n{body}")


def model_json() -> None:
    v1 = {"file": "a.tflite", "sha256": "0" * 64, "tolerance": 0.1}
    base = {"name": "model", "default": "v1", "variants": {"v1": v1, "v2": {"file": "b.tflite"}}}
    check = {"inputs": {"x": [1, 2]}, "outputs": {"y": [1, 2]}}
    kinds = {
        "plain": {},
        "labels": {"task": "digits", "labels": ["0", "1"], "deadline": 5},
        "check": {"check": check},
        "check-file": {"check": {"file": "check.npz", "sha256": "0" * 64}},
        "style": {"task": "style", "styles": ["udnie", "scream"]},
        "regression": {"task": "regression", "columns": ["a"], "target": "b"},
        "stocks": {"task": "stocks", "tickers": ["AAA"], "days": 2, "interval": [0.1, 0.9]},
    }
    for name, more in kinds.items():
        seed("model_json", name, json.dumps({**base, **more}))


def check_npz() -> None:
    for name, write, kind in (
        ("plain", np.savez, "f4"),
        ("packed", np.savez_compressed, "f4"),
        ("text", np.savez, "S3"),
    ):
        stream = io.BytesIO()
        write(stream, **{"inputs/x": np.ones(2, "f4"), "v1/y": np.ones(2).astype(kind)})
        seed("check_npz", name, stream.getvalue())
    stream = io.BytesIO()
    np.save(stream, np.ones(2))
    seed("check_npz", "npy", stream.getvalue())


def config() -> None:
    seed("config", "numbers", "port = 8081\nthreads = 2\nmax_body = 1024\nled_pin = 17\n")
    seed("config", "texts", 'host = "0.0.0.0"\ntoken = "abc"\nled = "off"\nmodels = "~/m"\n')
    seed("config", "environment", "\n---\nPI_EDGE_PORT=1\nPI_EDGE_STATE=/x\nPI_EDGE_LED=off")
    seed("config", "both", 'log_level = "debug"\n---\nPI_EDGE_TOKEN=x\nPI_EDGE_QUEUE=5')
    seed("config", "wrong", "port = [1, 2]\n[table]\nx = 2024-01-31\n")


def tables() -> None:
    wide = "Date,AAA,BBB\n2024-01-30,1.5,2\n2024-01-31,1.6,\n2024-02-01,1.7,2.1\n"
    kinds = {
        "wide": wide,
        "long": "date,ticker,close\n2024-01-30,AAA,1.5\n2024-01-31,AAA,1.6\n",
        "yahoo": "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-30,1,2,1,1.5,1.4,100\n",
        "stooq": "<TICKER>,<DATE>,<CLOSE>\nAAPL.US,20240130,1.5\nAAPL.US,20240131,1.6\n",
        "german": "Datum;AAA\n30.01.2024;1.234,5\n31.01.2024;1.235,5\n",
        "american": "Date,Close\n01/30/2024,$1.5\n01/31/2024,$1.6\n",
        "stacked": "Price,Close,Close\nTicker,AAA,BBB\nDate,,\n2024-01-30,1,2\n2024-01-31,1,2\n",
        "quoted": 'sep=;\n"Date";"AAA"\n"2024-01-30";"1 234"\n',
        "utf-16": wide.encode("utf-16"),
        "gzip": gzip.compress(wide.encode(), mtime=0),
    }
    for name, content in kinds.items():
        seed("prices", name, b"\0" + (content if isinstance(content, bytes) else content.encode()))
    document = {
        "dates": ["2024-01-30", "2024-01-31"],
        "prices": {"AAA": [1, None], "BBB": [1, 2.5]},
    }
    seed("prices", "json", b"\1" + json.dumps(document).encode())
    for name, text in {
        "csv": "\0a,b\n1,2\n3,4.5\n",
        "comma": "\0a;b;c\n1,5;2;x\n",
        "bare": "\0001,2\n3,4\n",
        "x": '\1{"x": [[1, 2], [3, 4]]}',
        "rows": '\1{"rows": [{"a": 1, "b": 2, "c": null}]}',
        "guessed": '\2{"x": [[1, 2]]}',
    }.items():
        seed("regression", name, text)
    seed("regression", "gzip", b"\0" + gzip.compress(b"a,b\n1,2\n", mtime=0))


def pictures() -> None:
    ink = np.full((40, 60), 255, np.uint8)
    ink[8:32, 14:18] = ink[8:32, 40:44] = ink[8:12, 36:48] = 20
    grey = PIL.Image.fromarray(ink)
    colour = grey.convert("RGB")
    alpha = colour.copy()
    alpha.putalpha(PIL.Image.fromarray(255 - ink))
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    for name, image, kind, options in (
        ("grey.png", grey, "PNG", {}),
        ("alpha.png", alpha, "PNG", {}),
        ("one.png", grey.convert("1"), "PNG", {}),
        ("palette.png", colour.quantize(8), "PNG", {"transparency": 0}),
        ("deep.png", PIL.Image.fromarray(ink.astype(np.uint16) * 257), "PNG", {}),
        ("base.jpg", colour, "JPEG", {"exif": turned}),
        ("progressive.jpg", grey, "JPEG", {"progressive": True}),
        ("cmyk.jpg", colour.convert("CMYK"), "JPEG", {}),
        ("lossy.webp", colour, "WEBP", {}),
        ("lossless.webp", alpha, "WEBP", {"lossless": True}),
        ("palette.gif", colour.quantize(8), "GIF", {}),
        ("animation.gif", grey, "GIF", {"save_all": True, "append_images": [grey.rotate(9)]}),
        ("colour.bmp", colour.resize((20, 14)), "BMP", {}),
        ("one.bmp", grey.convert("1"), "BMP", {}),
    ):
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        seed("pictures", name, stream.getvalue())
        if name in ("grey.png", "base.jpg", "colour.bmp"):
            seed("digits", name, stream.getvalue())
    mnist = np.zeros((28, 28), np.uint8)
    mnist[4:24, 13:16] = 255
    seed("digits", "pixels.json", json.dumps({"pixels": mnist.ravel().tolist()}))
    stream = io.BytesIO()
    np.save(stream, mnist)
    seed("digits", "pixels.npy", stream.getvalue())


def styling() -> None:
    for number, query in enumerate(
        (
            "style=udnie\nimage/png",
            "styles=udnie=0.5,scream=0.5&strength=0.8\nimage/webp;q=0.5, image/tiff",
            "style=scream&preserve_color=true&scale=fine&preview=1&model=style&variant=v1",
        )
    ):
        seed("styling", str(number), query)


def requests() -> None:
    x = json.dumps({"inputs": [tensor("FP32", [1, 3], [1, 2, 3])]})
    text = json.dumps({"inputs": [tensor("BYTES", [2, 2], ["a", "b", "", "c"])]})
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "x",
                    "datatype": "FP32",
                    "shape": [1, 3],
                    "parameters": {"binary_data_size": 12},
                }
            ]
        }
    )
    part = 'Content-Disposition: form-data; name="file"; filename="a"'
    rows = "Date,AAA,BBB,CCC\n" + "".join(f"2024-01-0{day},1,2,3\n" for day in range(1, 7))
    form = f"--b\r\n{part}\r\n\r\n{rows}\r\n--b--\r\n"
    kinds = {
        "page": "GET /\n\n",
        "live": "GET /v2/health/live\n\n",
        "server": "GET /v2\n\n",
        "model": "GET /v2/models/double\n\n",
        "version": "GET /v2/models/double/versions/v1/config\n\n",
        "stats": "GET /v2/models/stats\n\n",
        "status": "GET /status\n\n",
        "metrics": "GET /metrics\n\n",
        "openapi": "GET /openapi.json\n\n",
        "double": f"POST /v2/models/double/infer\ncontent-type: application/json\n\n{x}",
        "string": f"POST /v2/models/same-string/versions/v1/infer\naccept-encoding: gzip\n\n{text}",
        "index": 'POST /v2/repository/index\n\n{"ready": true}',
        "load": "POST /v2/repository/models/double/load\n\n{}",
        "stocks": f"POST /tasks/stocks?model=prices&variant=v1\ncontent-type: text/csv\n\n{rows}",
        "form": "POST /tasks/stocks?model=prices\ncontent-type: multipart/form-data; boundary=b\n\n"
        + form,
        "style": "POST /tasks/style?style=udnie\n\nx",
    }
    for name, request in kinds.items():
        seed("requests", name, request)
    length = f"inference-header-content-length: {len(head)}"
    told = f"POST /v2/models/double/infer\n{length}\n\n{head}".encode()
    seed("requests", "binary", told + struct.pack("<3f", 1, 2, 3))
    packed = gzip.compress(x.encode(), mtime=0)
    seed("requests", "gzip", b"POST /v2/models/double/infer\ncontent-encoding: gzip\n\n" + packed)


def tflite() -> None:
    for name in ("double", "same-string", "constant", "scalar", "empty", "several", "counter"):
        seed("tflite", name, (DATA / f"{name}.tflite").read_bytes())


for make in (oip, forms, model_json, check_npz, config):
    make()
for make in (tables, pictures, styling, requests, tflite):
    make()
