"""
Attributes as messages of opentelemetry.proto.

Flow: otlp_encoding, otlp_histograms -> **KeyValue messages, filled in place**.
The official encoder makes a message of every value and copies it into its span, which takes a span's attributes five times as
long; in place they are the same messages. A test holds their bytes to the official encoder's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.exporters.cleaning import Clean, clean_attributes, is_clean


def fill_attributes(message: Span | Resource | HistogramDataPoint, attributes: Mapping[str, Any]) -> None:
    """Add the attributes, cleaned, in the order of their names."""
    add = message.attributes.add
    for name, value in sorted(attributes.items()) if is_clean(attributes) else clean_attributes(attributes).items():
        if value is None:
            continue
        told = add(key=name).value
        # The common kinds first, without a call: this runs for every attribute of every span.
        if type(value) is str:
            told.string_value = value
        elif type(value) is int:
            told.int_value = value
        else:
            _fill(told, value)


def _fill(message: AnyValue, value: Clean) -> None:
    match value:
        case str():
            message.string_value = value
        case bool():
            message.bool_value = value
        case int():
            message.int_value = value
        case float():
            message.double_value = value
        case Mapping():
            pairs = cast("Mapping[str, Clean]", value)
            message.kvlist_value.SetInParent()
            for name, item in pairs.items():
                _fill(message.kvlist_value.values.add(key=name).value, item)
        case _:
            message.array_value.SetInParent()
            for item in cast("Sequence[Clean]", value):
                _fill(message.array_value.values.add(), item)
