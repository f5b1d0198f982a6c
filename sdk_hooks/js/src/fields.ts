// The fields that every event of a call has from its settings.
import type { CallSettings } from "./config.js";
import type { Fields } from "./platform.js";

const NAMES = ["clientId", "project", "threadId", "runId", "sessionId", "userId"] as const;
/** Many calls have the same settings. */
const known = new WeakMap<CallSettings, Fields>();

/** Not to be changed: it is shared. */
export function settingsFields(settings: CallSettings): Fields {
  let fields = known.get(settings);
  if (!fields) {
    fields = { source: "server" };
    for (const name of NAMES) if (settings[name] !== undefined) fields[name] = settings[name];
    known.set(settings, fields);
  }
  return fields;
}
