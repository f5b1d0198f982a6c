"""One module an SDK. They do not know each other; `registry.HOOKS` knows them all."""
