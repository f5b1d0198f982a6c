// `node --import hookline/register app.mjs`: every event of TanStack AI goes to the collector. The only module that acts on import.
import "./node.js";
import { register } from "./tanstack.js";

register();
