// The fields that every event of a call has from its settings. Pure.
import type { CallSettings } from "./config.js";
import type { Fields } from "./platform.js";

export function settingsFields(settings: CallSettings): Fields {
  const { clientId, project, threadId, runId, sessionId, userId } = settings;
  const fields: Fields = { source: "server" };
  for (const [name, value] of Object.entries({ clientId, project, threadId, runId, sessionId, userId })) {
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}
