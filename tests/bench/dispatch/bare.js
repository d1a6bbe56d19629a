/** Answers as the app's server in `tests/bench/dispatch.mjs` does. */
export default {
  fetch: () => new Response("hello"),
};
