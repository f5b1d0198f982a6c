"""
The spool: events on disk that the collector does not have yet.

Flow: delivery -> **spool** -> delivery -> transport.

    records     how bytes lie in a file
    locks       who may touch a file
    segments    the files: make, claim, list, remove
    reading     a segment back into batches
    destination whose batches those are
    own         what this process could not deliver yet
    leftovers   what processes before this one left behind
    room        the bound on bytes and age
    sending     emptying it by hand
    forgetting  taking events of a user, session or client out

`python -m sdk_hooks.spool` lists, sends and forgets. docs/adr/0014-client-spool.md says what is promised.
"""
