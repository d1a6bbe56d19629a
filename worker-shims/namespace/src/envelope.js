/**
 * Cloudflare's answer envelope, and the error that becomes one.
 * It does not decide what is an error: the API's parts do.
 */
// @ts-check

/** An answer that is not a success. `code` is Cloudflare's number. */
export class ApiError extends Error {
  /** @param {number} status @param {number} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const unknownScript = () => new ApiError(404, 10007, "This Worker does not exist on your account.");
export const invalidUpload = (/** @type {string} */ message) => new ApiError(400, 10021, message);
export const badRequest = (/** @type {string} */ message) => new ApiError(400, 10001, message);
export const tooLarge = (/** @type {string} */ message) => new ApiError(413, 10027, message);
export const unauthorized = () => new ApiError(401, 10000, "Authentication error");

/** @param {unknown} result @param {{status?: number, info?: object}} [options] */
export function success(result, { status = 200, info } = {}) {
  const body = { result, success: true, errors: [], messages: [], ...(info && { result_info: info }) };
  return Response.json(body, { status });
}

/** @param {unknown} error */
export function failure(error) {
  const known = error instanceof ApiError ? error : new ApiError(500, 10013, "An unknown error has occurred.");
  if (known !== error) console.error(error);
  const errors = [{ code: known.code, message: known.message }];
  return Response.json({ result: null, success: false, errors, messages: [] }, { status: known.status });
}
