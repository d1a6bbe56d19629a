/**
 * Cloudflare's API rate limit: so many calls in five minutes, then none until the window ends.
 * In memory only: a restart forgives.
 */
// @ts-check
const WINDOW_MS = 300_000;

export class Quota {
  /** @param {number} limit */
  constructor(limit) {
    this.limit = limit;
    this.used = 0;
    this.endsAt = 0;
  }

  /** Counts one call; `remaining` is negative when it is one too many. @param {number} now */
  take(now) {
    if (now >= this.endsAt) {
      this.used = 0;
      this.endsAt = now + WINDOW_MS;
    }
    this.used += 1;
    return { limit: this.limit, remaining: this.limit - this.used, resetSeconds: Math.ceil((this.endsAt - now) / 1000) };
  }
}
