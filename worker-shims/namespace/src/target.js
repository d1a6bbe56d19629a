/**
 * How a dispatcher tells the namespace Worker which script it means.
 */
// @ts-check

/** Carries a `Target` as JSON. The caller sets it, whatever the visitor sent; the script never sees it. */
export const DISPATCH_HEADER = "x-dispatch-target";
