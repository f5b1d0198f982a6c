"""
Errors inside the client, as a tree. None of them ever reaches the host.

ClientError
 +-- WrongSetting     a setting can't be used; logged once, the next lower layer's value holds
 +-- NotRenderable    a record could not be turned into an event; counted as render_failed
"""


class ClientError(Exception):
    """Root of the tree."""


class WrongSetting(ClientError):
    """A setting can't be used. The message names it and what is wanted, never its value: it may be a key."""


class NotRenderable(ClientError):
    """A record could not be turned into an event."""
