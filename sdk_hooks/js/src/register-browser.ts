// `import "hookline/register"` before the first import of TanStack AI, in a page that has no devtools of its own.
import "./browser.js";
import { register } from "./tanstack.js";

register();
