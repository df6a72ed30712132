"""JSON Schemas (draft 2020-12) of what goes over the wire. Objects may hold more than they tell."""

from __future__ import annotations

from typing import Any

from pi_edge import datatypes

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: dict[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _or_null(schema: Schema) -> Schema:
    """For what a client may write out where it means nothing: as if it were missing."""
    return {**schema, "type": [schema["type"], "null"]}


def _text(description: str = "") -> Schema:
    return {"type": "string", **({"description": description} if description else {})}


ANYTHING: Schema = {"type": "object"}
BOOL: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXT = _text()
# Of a graph, where -1 stands for any length; of a tensor, where nothing does.
_GRAPH_SHAPE = _list({"type": "integer", "minimum": -1})
_SHAPE = _list(COUNT)
_DATATYPE = {"type": "string", "enum": list(datatypes.NAMES.values())}
_IDENTITY = _text("the client's own, or one that no other answer has")

_METADATA = _object({"name": TEXT, "datatype": TEXT, "shape": _GRAPH_SHAPE})
_CONFIG = _object({"name": TEXT, "data_type": TEXT, "dims": _GRAPH_SHAPE})
_DURATION = _object({"count": COUNT, "ns": COUNT})
_VARIANT = _object({"state": TEXT}, reason=TEXT)
_KNOWN_OR_NOT: Schema = {"type": ["number", "null"]}
_LEARNING = _object(
    {
        "name": TEXT,
        "epoch": COUNT,
        "epochs": COUNT,
        "loss": _KNOWN_OR_NOT,
        "accuracy": _KNOWN_OR_NOT,
        "seconds_left": _KNOWN_OR_NOT,
        "since": {**NUMBER, "description": "seconds since it began"},
    }
)
_MQTT = _object(
    {
        "broker": TEXT,
        "topic": TEXT,
        "connected": {"type": "boolean"},
        "out": {"type": ["string", "null"], "description": "why there is no connection"},
        "delivered": COUNT,
        "waiting": COUNT,
        "dropped": COUNT,
    }
)
_SIZE = {**COUNT, "description": "bytes of the tensor behind the JSON, instead of data"}

_ANSWERED = {"id": _IDENTITY, "model": TEXT, "variant": TEXT}

SCHEMAS: dict[str, Schema] = {
    "Error": {**_object({"error": _text("what is wrong, and what to do, in one line")})},
    "InputTensor": _object(
        {"name": TEXT, "datatype": _DATATYPE, "shape": _SHAPE},
        data={
            "type": "array",
            "description": "numbers, true and false, or texts: flat in row-major order, or nested",
        },
        parameters=_or_null(_object({}, binary_data_size=_or_null(_SIZE))),
    ),
    "RequestedOutput": _object(
        {"name": TEXT},
        parameters=_or_null(
            _object(
                {},
                binary_data=_or_null(BOOL),
                classification=_or_null(
                    {**COUNT, "description": "so many classes instead of all values"}
                ),
            )
        ),
    ),
    "InferRequest": _object(
        {"inputs": _list(ref("InputTensor"))},
        id=_or_null(TEXT),
        outputs=_or_null(
            _list(ref("RequestedOutput"), description="all of them where this is missing")
        ),
        parameters=_or_null(_object({}, binary_data_output=_or_null(BOOL))),
    ),
    "OutputTensor": _object(
        {"name": TEXT, "datatype": _DATATYPE, "shape": _SHAPE},
        data={"type": "array", "description": "flat in row-major order"},
        parameters=_object({}, binary_data_size=_SIZE),
    ),
    "InferResponse": _object(
        {
            "model_name": TEXT,
            "model_version": TEXT,
            "id": _IDENTITY,
            "outputs": _list(ref("OutputTensor")),
        }
    ),
    "Server": _object({"name": TEXT, "version": TEXT, "extensions": _list(TEXT)}),
    "Live": _object({"live": BOOL}),
    "Ready": _object({"ready": BOOL}),
    "ModelReady": _object({"name": TEXT, "version": TEXT, "ready": BOOL}),
    "ModelMetadata": _object(
        {
            "name": TEXT,
            "versions": _list(TEXT),
            "platform": TEXT,
            "inputs": _list(_METADATA),
            "outputs": _list(_METADATA),
            "parameters": _object({"task": TEXT, "default_version": TEXT}),
        }
    ),
    "ModelConfig": _object(
        {
            "name": TEXT,
            "platform": TEXT,
            "backend": TEXT,
            "max_batch_size": COUNT,
            "input": _list(_CONFIG),
            "output": _list(_CONFIG),
            "default_model_filename": TEXT,
            "parameters": ANYTHING,
        }
    ),
    "Statistics": _object(
        {
            "model_stats": _list(
                _object(
                    {
                        "name": TEXT,
                        "version": TEXT,
                        "last_inference": COUNT,
                        "inference_count": COUNT,
                        "execution_count": COUNT,
                        "inference_stats": _object(
                            dict.fromkeys(("success", "fail", "queue", "compute_infer"), _DURATION)
                        ),
                    }
                )
            )
        }
    ),
    "IndexRequest": _object({}, ready=_or_null({**BOOL, "description": "only what is ready"})),
    "Index": _list(
        _object(
            {
                "name": TEXT,
                "version": TEXT,
                "state": {"type": "string", "enum": ["READY", "LOADING", "UNAVAILABLE"]},
                "reason": TEXT,
            }
        )
    ),
    "LoadRequest": _object({}, parameters=_or_null({"type": "object", "maxProperties": 0})),
    "UnloadRequest": ANYTHING,
    "Pixels": _object(
        {
            "pixels": {
                "type": "array",
                "description": "784 numbers from 0 to 255, row by row, nested or not",
            }
        }
    ),
    "Digits": _object(
        {
            **_ANSWERED,
            "number": TEXT,
            "digit": {"type": ["integer", "null"]},
            "digits": _list(
                _object(
                    {
                        "digit": {"type": "integer", "minimum": 0, "maximum": 9},
                        "probabilities": _list(NUMBER, minItems=10, maxItems=10),
                        "box": _list(NUMBER, minItems=4, maxItems=4),
                    }
                )
            ),
        },
        message=TEXT,
    ),
    "Correction": _object(
        {"id": _text("of an answer"), "label": _text("the digits that are right, as in 42")}
    ),
    "Kept": _object(
        {
            **_ANSWERED,
            "label": TEXT,
            "answered": _text("the digits that the model had read"),
            "ids": _list(COUNT, description="of the examples, left to right"),
        }
    ),
    "Prices": _object(
        {
            "dates": _list(_text("YYYY-MM-DD")),
            "prices": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": _list({"type": ["number", "null"]}),
            },
        }
    ),
    "Forecasts": _object(
        {
            **_ANSWERED,
            "forecasts": _list(
                _object(
                    {
                        "ticker": TEXT,
                        **dict.fromkeys(("last", "forecast", "low", "high"), NUMBER),
                    }
                )
            ),
            "as_of": TEXT,
            "horizon_days": COUNT,
            "interval": _list(NUMBER, minItems=2, maxItems=2),
            "notes": _list(TEXT),
        }
    ),
    "Rows": {
        "type": "object",
        "properties": {
            "x": {
                "description": "a number, numbers for one column, or a list of numbers a row",
                "type": ["array", "number"],
            },
            "rows": _list({"type": "object"}),
        },
        "oneOf": [{"required": ["x"]}, {"required": ["rows"]}],
    },
    "Predictions": _object({**_ANSWERED, "predictions": _list(NUMBER)}),
    "Status": _object(
        {
            "state": TEXT,
            "models": {
                "type": "object",
                "additionalProperties": _object(
                    {
                        "state": TEXT,
                        "task": TEXT,
                        "default": TEXT,
                        "variants": {"type": "object", "additionalProperties": _VARIANT},
                        "reason": TEXT,
                    },
                    styles=_list(TEXT),
                ),
            },
            "learning": {"anyOf": [_LEARNING, {"type": "null"}]},
            "mqtt": {"anyOf": [_MQTT, {"type": "null"}]},
            "uptime": NUMBER,
            "version": TEXT,
        },
        examples=_object({}, count=COUNT, bytes=COUNT, error=TEXT),
    ),
}
