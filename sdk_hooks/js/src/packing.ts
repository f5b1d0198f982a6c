// Turn the pieces of a stream into packed chunk events, one a flush and not one a token. Pure but for what it remembers.
// A pack holds pieces of one kind, messageId, choice and toolCallId; offsets count from the event's timestamp.
import type { Chunk, EventOf, ToolCall as ToldCall } from "./events/index.js";

export type Piece =
  | { kind: "content" | "thinking"; atMs: number; text: string; choice: number; messageId?: string | undefined }
  | { kind: "tool-call"; atMs: number; text: string; choice: number; index: number; id?: string | undefined; name?: string | undefined };

type ChunkEvent = EventOf<"text:chunk:content" | "text:chunk:thinking"> | EventOf<"text:chunk:tool-call">;

interface Pack {
  readonly event: ChunkEvent;
  readonly chunks: Chunk[];
  readonly firstMs: number;
  readonly kind: Piece["kind"];
  readonly choice: number;
  readonly messageId: string | undefined;
  readonly tool: ToolCall | undefined;
}

interface ToolCall {
  readonly id: string;
  name: string;
  readonly index: number;
  arguments: string;
}

export class Packer {
  messageId: string | undefined;
  private readonly text = new Map<number, string>();
  private readonly tools: ToolCall[] = [];
  private readonly openTools = new Map<string, ToolCall>();

  constructor(private readonly requestId: string) {}

  /** Events in the order of their first pieces. `toWallMs` is what turns a piece's time into Unix milliseconds. */
  pack(pieces: readonly Piece[], toWallMs: number): ChunkEvent[] {
    const packs = new Map<string, Pack>();
    let last: Pack | undefined;
    for (const piece of pieces) {
      const tool = this.remember(piece);
      const messageId = (piece.kind === "tool-call" ? undefined : piece.messageId) ?? this.messageId;
      // Nearly all pieces go where the one before went.
      if (!last || tool || last.tool || last.kind !== piece.kind || last.choice !== piece.choice || last.messageId !== messageId) {
        last = this.packOf(packs, piece, messageId, tool, toWallMs);
      }
      last.chunks.push({ offsetMs: Math.round((piece.atMs - last.firstMs) * 1000) / 1000, delta: piece.text });
    }
    return [...packs.values()].map((pack) => pack.event);
  }

  private packOf(
    packs: Map<string, Pack>, piece: Piece, messageId: string | undefined, tool: ToolCall | undefined, toWallMs: number,
  ): Pack {
    const { kind, choice, atMs } = piece;
    const key = `${kind}/${choice}/${tool ? this.tools.indexOf(tool) : ""}/${messageId ?? ""}`;
    let pack = packs.get(key);
    if (!pack) {
      const chunks: Chunk[] = [];
      const event = this.event(piece, messageId, tool, toWallMs + atMs, chunks);
      pack = { event, chunks, firstMs: atMs, kind, choice, messageId, tool };
      packs.set(key, pack);
    }
    return pack;
  }

  /** What the stream said so far, as fields of a terminal event. */
  seen(): { content: string; toolCalls?: ToldCall[] } {
    const fields: { content: string; toolCalls?: ToldCall[] } = { content: this.text.get(0) ?? "" };
    if (this.tools.length) {
      fields.toolCalls = this.tools.map((tool) => ({
        id: tool.id, type: "function", function: { name: tool.name, arguments: tool.arguments },
      }));
    }
    return fields;
  }

  private remember(piece: Piece): ToolCall | undefined {
    if (piece.kind === "tool-call") {
      const tool = this.tool(piece.choice, piece.index, piece.id, piece.name);
      tool.arguments += piece.text;
      return tool;
    }
    if (piece.kind === "content") this.text.set(piece.choice, (this.text.get(piece.choice) ?? "") + piece.text);
    return undefined;
  }

  private tool(choice: number, index: number, id: string | undefined, name: string | undefined): ToolCall {
    const place = `${choice}/${index}`;
    let tool = this.openTools.get(place);
    // Some providers repeat an index for the next tool call: the id decides.
    if (!tool || (id && id !== tool.id)) {
      tool = { id: id || `${this.requestId}/tool-${this.tools.length}`, name: name ?? "", index, arguments: "" };
      this.openTools.set(place, tool);
      this.tools.push(tool);
    } else if (name && !tool.name) {
      tool.name = name;
    }
    return tool;
  }

  private event(piece: Piece, messageId: string | undefined, tool: ToolCall | undefined, timestamp: number, chunks: Chunk[]): ChunkEvent {
    const { requestId } = this;
    const event: ChunkEvent =
      tool || piece.kind === "tool-call"
        ? {
            type: "text:chunk:tool-call", timestamp, requestId, streamId: requestId, chunks,
            toolCallId: tool?.id ?? "", toolName: tool?.name ?? "", index: tool?.index ?? 0, arguments: "",
          }
        : { type: `text:chunk:${piece.kind}`, timestamp, requestId, streamId: requestId, chunks, content: "" };
    if (messageId) event.messageId = messageId;
    if (piece.choice) event.choice = piece.choice;
    return event;
  }
}
