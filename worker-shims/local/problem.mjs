/**
 * The failures that a user of the local stack is told about: one line, no stack trace.
 * Anything else that is thrown is a fault of this program.
 */
// @ts-check

export class StackProblem extends Error {
  /** @param {string} message one line @param {string} [details] shown before it: the end of a part's output */
  constructor(message, details = "") {
    super(message);
    this.details = details;
  }
}

/** Prints why, in one line, and gives the exit code. @param {unknown} error */
export function report(error) {
  if (error instanceof StackProblem) {
    if (error.details) console.error(error.details);
    console.error(`hotplate: ${error.message}`);
  } else console.error("hotplate: internal error:", error);
  return 1;
}
