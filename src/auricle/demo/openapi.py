"""The description of what the server answers, for programs: its schemas are the answers' types."""

from typing import Any

from pydantic import TypeAdapter

import auricle
from auricle.demo.about import About
from auricle.demo.answers import Answer
from auricle.demo.decoding import Limits


def describe(limits: Limits) -> dict[str, Any]:
    """OpenAPI 3.1 of the server.

    Source: OpenAPI Specification 3.1.0.
    """
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    for name, kind in (("Answer", Answer), ("About", About)):
        schema = TypeAdapter(kind).json_schema(
            mode="serialization", ref_template="#/components/schemas/{model}"
        )
        schemas |= schema.pop("$defs", {}) | {name: schema}
    sound = {"schema": {"type": "string", "format": "binary"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "auricle demo",
            "version": auricle.__version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            "/api/predict": {
                "post": {
                    "operationId": "predict",
                    "summary": "What a sound is",
                    "description": "The bytes of a sound file, as they are or as the field `file` "
                    f"of a form: up to {limits.upload_bytes / 1e6:g} MB and "
                    f"{limits.sound_s / 60:g} minutes. Its kind is told by its content.",
                    "parameters": [
                        {
                            "name": "explain",
                            "in": "query",
                            "description": "Also work out what speaks for the answer.",
                            "schema": {"type": "boolean", "default": False},
                        }
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/octet-stream": sound,
                            "audio/*": sound,
                            "multipart/form-data": {
                                "schema": {
                                    "type": "object",
                                    "required": ["file"],
                                    "properties": {"file": sound["schema"]},
                                }
                            },
                        },
                    },
                    "responses": {
                        "200": content("What it is", "Answer"),
                        "400": content("No sound was sent", "Problem"),
                        "413": content("It is too large", "Problem"),
                        "415": content("It is no sound that can be decoded", "Problem"),
                        "403": content("Asked by a page of another site", "Problem"),
                        "408": content("It came too slowly", "Problem"),
                    },
                }
            },
            "/about.json": {
                "get": {
                    "operationId": "about",
                    "summary": "What the model is, and how good",
                    "responses": {"200": content("The model", "About")},
                }
            },
            "/healthz": {
                "get": {
                    "operationId": "health",
                    "summary": "Whether it can answer",
                    "responses": {
                        "200": {
                            "description": "It can",
                            "content": {"application/json": {"schema": HEALTH}},
                        }
                    },
                }
            },
        },
        "components": {"schemas": schemas},
    }


PROBLEM = {
    "type": "object",
    "required": ["problem"],
    "additionalProperties": False,
    "properties": {"problem": {"type": "string", "description": "A sentence for people."}},
}
HEALTH = {
    "type": "object",
    "required": ["status", "model"],
    "properties": {"status": {"const": "ok"}, "model": {"type": "string"}},
}


def content(description: str, schema: str) -> dict[str, Any]:
    """An answer in JSON of a named schema."""
    refers = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": description, "content": {"application/json": refers}}
