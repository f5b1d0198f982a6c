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
  const copied = Array.isArray(value) ? copyItems(value, copying) : copyMembers(value, copying);
  around.pop();
  return copied;
}

function copyItems(items: readonly unknown[], copying: Copying): unknown[] {
  const copied: unknown[] = [];
  for (let at = 0; at < items.length; at++) copied.push(copy(items[at], copying));
  return copied;
}

function copyMembers(value: object, copying: Copying): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if ("toJSON" in value && typeof value.toJSON === "function") return copy(value.toJSON(), copying);
    return `<${value.constructor?.name || "object"}>`;
  }
  // An engine clones a plain object at once, where it adds members one by one for much more; most are texts and stay.
  const copied = { ...value } as Record<string, unknown>;
  for (const name in copied) {
    const member = copied[name];
    if (typeof member === "string") {
      copying.bytes += 16 + member.length;
      continue;
    }
    const inner = copy(member, copying);
    if (inner === undefined) delete copied[name];
    // Where somebody has given all objects a member, it is not this one's.
    else if (inner !== member && Object.hasOwn(copied, name)) copied[name] = inner;
  }
  return copied;
}
