// The host's active OpenTelemetry span, read from where @opentelemetry/api registers itself; no dependency on it.
interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}
interface Api {
  context?: { active(): { getValue(key: symbol): { spanContext?(): SpanContext } | undefined } };
}

const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");

export function traceparent(): string | undefined {
  const api = (globalThis as { [API]?: Api })[API];
  const span = api?.context?.active().getValue(SPAN)?.spanContext?.();
  if (!span || /^0*$/.test(span.traceId) || /^0*$/.test(span.spanId)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 0xff).toString(16).padStart(2, "0")}`;
}
