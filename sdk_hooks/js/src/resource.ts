// Who sends, as an OpenTelemetry resource: each application becomes a service of its own.
import type { DeliverySettings } from "./config.js";
import type { Fields, Platform } from "./platform.js";
import { VERSION } from "./version.js";

/** OTEL_SERVICE_NAME beats the same name in OTEL_RESOURCE_ATTRIBUTES, ours beat both. */
export function describe(platform: Platform, sdkName: string): (settings: DeliverySettings) => Fields {
  return (settings) => {
    const attributes: Fields = readAttributes(platform.environment["OTEL_RESOURCE_ATTRIBUTES"] ?? "");
    const service = platform.environment["OTEL_SERVICE_NAME"];
    if (service) attributes["service.name"] = service;
    if (settings.environment) attributes["deployment.environment.name"] = settings.environment;
    if (settings.release) attributes["service.version"] = settings.release;
    return {
      ...platform.resource(),
      ...attributes,
      "telemetry.sdk.name": sdkName,
      "telemetry.sdk.version": VERSION,
      "telemetry.sdk.language": platform.language,
    };
  };
}

/** `key=value,key=value`, values percent-encoded. A bad pair is left out, the rest holds. */
export function readAttributes(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of text.split(",")) {
    const at = pair.indexOf("=");
    const key = pair.slice(0, at).trim();
    if (at < 1 || !key) continue;
    try {
      found[key] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      continue;
    }
  }
  return found;
}
