// Copy a request at the moment it is sent: messages and schemas are the host's objects and may change after the call.
// Strings never change, so long ones are kept by reference.
const MAX_DEPTH = 60;

export interface Snapshot {
  readonly value: unknown;
  readonly sizeBytes: number;
}

interface Copying {
  bytes: number;
  /** What is being copied, from the outside in. */
  readonly around: object[];
}

export function take(value: unknown): Snapshot {
  const copying: Copying = { bytes: 0, around: [] };
  return { value: copy(value, copying), sizeBytes: copying.bytes };
}

function copy(value: unknown, copying: Copying): unknown {
  copying.bytes += 16;
  switch (typeof value) {
    case "string":
      copying.bytes += value.length;
      return value;
    case "number":
    case "boolean":
      return value;
    case "bigint":
      return { __type: "bigint", value: String(value) };
    case "object":
      return value === null ? null : copyObject(value, copying);
    default:
      return undefined;
  }
}

function copyObject(value: object, copying: Copying): unknown {
  const { around } = copying;
  if (around.length >= MAX_DEPTH) return "<too deep>";
  if (around.includes(value)) return "<circular>";
  around.push(value);
  const copied = Array.isArray(value) ? value.map((item) => copy(item, copying)) : copyMembers(value, copying);
  around.pop();
  return copied;
}

function copyMembers(value: object, copying: Copying): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if ("toJSON" in value && typeof value.toJSON === "function") return copy(value.toJSON(), copying);
    return `<${value.constructor?.name || "object"}>`;
  }
  const copied: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const inner = copy((value as Record<string, unknown>)[name], copying);
    if (inner !== undefined) copied[name] = inner;
  }
  return copied;
}
