// Nothing is lost silently: whoever drops an event or a call counts it here, by reason.
export const REASONS = [
  "buffer_full", // the buffer was full when a call began: the whole call is not recorded
  "undelivered", // the collector stayed away until the oldest events had to go
  "exit", // not delivered when the process or the page ended
  "refused", // the collector refused the batch for good; also counted as refused_<status>
  "rejected", // the collector rejected the single event; also counted as rejected_<code>
  "too_large", // one event alone was over the collector's limit
  "redacted", // `redact` returned null
  "redact_failed", // `redact` threw or returned no event: nothing unredacted leaves
  "render_failed", // a record could not be turned into an event
] as const;

export class Losses {
  private readonly counts: Record<string, number> = Object.fromEntries(REASONS.map((reason) => [reason, 0]));

  count(reason: string, n = 1): void {
    this.counts[reason] = (this.counts[reason] ?? 0) + n;
  }

  snapshot(): Record<string, number> {
    return { ...this.counts };
  }
}
