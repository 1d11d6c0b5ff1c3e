/** Time for displays, so that tests decide what it is. */
export interface Clock {
  /** Seconds since any fixed moment; never goes back. */
  now(): number;
  /** Calls `tick` again and again; returns what stops it. Does not keep the process alive. */
  every(seconds: number, tick: () => void): () => void;
}

/** The process's own clock. */
export const processClock: Clock = {
  now: () => performance.now() / 1000,
  every(seconds, tick) {
    const timer = setInterval(tick, seconds * 1000);
    timer.unref();
    return () => clearInterval(timer);
  },
};
