// What a hook tells of a call, in the types that are generated from the event schema: a field that is forgotten, or of another
// type than the collector expects, is an error of `tsc`.
//
// Flow: event schema -> events/ -> **this** -> hooks, recorder.
import type { EventOf, Events, EventType } from "./events/index.js";

type ActivityOf<T> = T extends `${infer A}:request:started` ? A : never;

/** First part of the types of a call's events: text, image, embedding, … */
export type Activity = ActivityOf<EventType>;

/** Any event of the schema. */
export type MadeEvent = { [T in EventType]: EventOf<T> }[EventType];

/** What the recorder adds to an event by itself. Provider and model it is told, as far as anybody knows them. */
type Added = "type" | "timestamp" | "requestId" | "streamId" | "provider" | "model" | "streaming";

/** What a terminal event repeats of its started event. */
export type Carried = "messageCount" | "hasTools" | "inputLength" | "documentCount" | "requestType" | "agentName";
export const CARRIED: readonly (Carried | "dimensions")[] = [
  "messageCount", "hasTools", "inputLength", "documentCount", "requestType", "agentName", "dimensions",
];

/** Fields of `<activity>:request:started`. */
export type Started<A extends Activity> = Omit<Events[`${A}:request:started`], Added>;

/** Fields of `<activity>:request:completed`. A text may have come in pieces, which the recorder has. */
export type Answered<A extends Activity> = Omit<
  Events[`${A}:request:completed`], Added | Carried | "duration" | "timeToFirstChunk" | "error" | "content"
> & { content?: string };

/** What was seen of an answer until it failed or was left. */
export type Seen<A extends Activity> = Partial<Answered<A>>;

/** The fields; or how to read them from a copy, when the record is drained. */
export type Lazily<F> = F | (() => F);

/** How calls of one kind become events: pure functions, run when the record is drained. */
export interface Shape<A extends Activity = Activity> {
  readonly activity: A;
  started(request: unknown): Started<A>;
  /** Where a request is kept as text: what is in it. */
  readonly read?: (kept: unknown) => { readonly model?: unknown; readonly stream?: unknown };
}

/** Fields of an event that a call has inside, as a hook tells them. */
export type Told<T extends EventType> = Omit<Events[T], Added>;

type Hole = null | undefined;

/** The members that are there. */
export type Present<F> = { [N in keyof F as Extract<F[N], Hole> extends never ? N : never]: F[N] } & {
  [N in keyof F as Extract<F[N], Hole> extends never ? never : N]?: Exclude<F[N], Hole>;
};
