"""Requests to a collector, one a line in hexadecimal digits, read by the messages of OpenTelemetry's own package;
what they say as JSON. Fails where they say what that package does not know."""

import importlib
import json
import pkgutil
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv import _incubating, attributes


def names():
    for package in (attributes, _incubating.attributes):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, str):
                    yield value


def value(of):
    which = of.WhichOneof("value")
    if which == "array_value":
        return [value(one) for one in of.array_value.values]
    return getattr(of, which)


def pairs(of, known):
    found = {pair.key: value(pair.value) for pair in of}
    assert len(found) == len(of), f"a key twice: {of}"
    unknown = [key for key in found if key not in known and not key.startswith("sark.")]
    assert not unknown, f"no semantic convention has {unknown}"
    return found


def span(of, known):
    assert len(of.trace_id) == 16 and len(of.span_id) == 8 and any(of.trace_id) and any(of.span_id)
    assert len(of.parent_span_id) in (0, 8)
    assert 0 < of.start_time_unix_nano <= of.end_time_unix_nano
    return {
        "trace": of.trace_id.hex(),
        "id": of.span_id.hex(),
        "parent": of.parent_span_id.hex(),
        "name": of.name,
        "kind": Span.SpanKind.Name(of.kind),
        "start": of.start_time_unix_nano,
        "end": of.end_time_unix_nano,
        "attributes": pairs(of.attributes, known),
        "status": Status.StatusCode.Name(of.status.code),
        "flags": of.flags,
    }


def main():
    importlib.import_module("opentelemetry.semconv._incubating.attributes")
    known, out = set(names()), []
    for line in sys.stdin:
        octets = bytes.fromhex(line.strip())
        request = ExportTraceServiceRequest.FromString(octets)
        request.DiscardUnknownFields()
        assert request.ByteSize() == len(octets), "there are fields that the specification has not"
        for resource in request.resource_spans:
            service = pairs(resource.resource.attributes, known)
            for scope in resource.scope_spans:
                for one in scope.spans:
                    out.append({"service": service, "scope": scope.scope.name, **span(one, known)})
    json.dump(out, sys.stdout)


main()
