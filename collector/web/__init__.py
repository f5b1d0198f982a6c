"""
The page: a live list of calls, one call in detail, SQL, and the way in by key.

Flow: browser -> **web** -> query -> storage (Reader). Fragments are rendered by the server; scripts only fetch and place them.
"""
