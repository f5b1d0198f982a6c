"""
The command line: `hookline …`.

Flow: a person or a script -> **cli** -> the running collector over HTTP, or the store for what needs no collector.
"""
