// The fields that every event of a call has from its settings.
import type { CallSettings } from "./config.js";
import type { Event } from "./events/index.js";

const NAMES = ["clientId", "project", "threadId", "runId", "sessionId", "userId"] as const;
type SettingsFields = Pick<Event, "source" | (typeof NAMES)[number]>;
/** Many calls have the same settings. */
const known = new WeakMap<CallSettings, SettingsFields>();

/** Not to be changed: it is shared. */
export function settingsFields(settings: CallSettings): SettingsFields {
  let fields = known.get(settings);
  if (!fields) {
    fields = { source: "server" };
    for (const name of NAMES) {
      const value = settings[name];
      if (value !== undefined) fields[name] = value;
    }
    known.set(settings, fields);
  }
  return fields;
}
