/**
 * The failures that a user of the local stack is told about: one line, no stack trace.
 * Anything else that is thrown is a fault of this program.
 */
// @ts-check

export class StackProblem extends Error {}

/** Prints why, in one line, and gives the exit code. @param {unknown} error */
export function report(error) {
  if (error instanceof StackProblem) console.error(`hotplate: ${error.message}`);
  else console.error("hotplate: internal error:", error);
  return 1;
}
