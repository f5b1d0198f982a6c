// The same application with one line in front, and no preload.
import "hookline/register";
import "./tanstack.mjs";
