// Copy a request at the moment it is sent: messages and schemas are the host's objects and may change after the call.
// Strings never change, so long ones are kept by reference.
const MAX_DEPTH = 60;

export interface Snapshot {
  readonly value: unknown;
  readonly sizeBytes: number;
}

export function take(value: unknown): Snapshot {
  const size = { bytes: 0 };
  return { value: copy(value, 0, size), sizeBytes: size.bytes };
}

function copy(value: unknown, depth: number, size: { bytes: number }): unknown {
  size.bytes += 16;
  switch (typeof value) {
    case "string":
      size.bytes += value.length;
      return value;
    case "number":
    case "boolean":
      return value;
    case "bigint":
      return { __type: "bigint", value: String(value) };
    case "object":
      return value === null ? null : copyObject(value, depth, size);
    default:
      return undefined;
  }
}

function copyObject(value: object, depth: number, size: { bytes: number }): unknown {
  if (depth >= MAX_DEPTH) return "<too deep>";
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1, size));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if ("toJSON" in value && typeof value.toJSON === "function") return copy(value.toJSON(), depth + 1, size);
    return `<${value.constructor?.name || "object"}>`;
  }
  const copied: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const inner = copy((value as Record<string, unknown>)[name], depth + 1, size);
    if (inner !== undefined) copied[name] = inner;
  }
  return copied;
}
