// The page with TanStack's own devtools bus, as its devtools start it. `?port=` is where the server's bus is said to be.
import { ClientEventBus } from "@tanstack/devtools-event-bus/client";
import "./tanstack-page.mjs";

const port = Number(new URLSearchParams(location.search).get("port"));
new ClientEventBus({ port, host: "localhost", connectToServerBus: true }).start();
