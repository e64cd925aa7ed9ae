"""What schemathesis doesn't know by itself: how a body of NDJSON is written, and that a PDF is read as the bytes that it is."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    records = value if isinstance(value, list) else [value]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@schemathesis.deserializer("application/pdf")
def pdf(_context, response):
    return response.content.decode("latin-1")
