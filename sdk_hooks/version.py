"""The version of the client, as it tells the collector."""

VERSION = "0.1.0"
