import type { Event } from "../../engine/event.ts";

/** Shows the events of a run. A pure consumer: it changes nothing. */
export interface Reporter {
  report(event: Event): void;
  /** Ends the display; nothing is reported afterwards. */
  close(): void;
}
