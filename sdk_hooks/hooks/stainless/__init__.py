"""
What the SDKs that come out of the Stainless generator share: openai and anthropic.

Flow: host -> a resource's method -> `client.request` -> **clients, requests, streams, raw** -> recorder.
Their clients are built alike: every resource, helper and raw variant goes through the client's `request`, once a logical call
(retries are inside it), and streams are objects of a class of the SDK's. What is said in them is each SDK's own: its hook
gives an `Sdk` with its paths. Facts checked with openai 3.54 and anthropic 2.12.
"""
