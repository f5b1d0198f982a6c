// The page with one line in front, and without devtools. `?url=` and `?key=` are what a page has no environment for.
import "hookline/register";
import { configure, flush, losses } from "hookline";
import "./tanstack-page.mjs";

const given = new URLSearchParams(location.search);
configure({ url: given.get("url"), apiKey: given.get("key"), clientId: "page" });
window.hookline = { flush, losses };
