"""
A host application and a provider of its own: what `hookline demo` shows.

Flow: scenario -> sdk_hooks, as any user would -> collector. The only part of the server that uses the client.
"""
