/**
 * The local Worker, with two hosts more: `bare.*` is a Worker by itself, `namespace-<script>.*` a script of the local
 * namespace without Hotplate.
 */
// @ts-check
import LocalEntry from "../../../worker-shims/namespace/local-entry.js";

export * from "../../../worker-shims/namespace/local-entry.js";

const NAMESPACE = /^namespace-([^.]+)\./;

export default class Front extends LocalEntry {
  /** @param {Request} request */
  fetch(request) {
    const { host } = new URL(request.url);
    if (host.startsWith("bare.")) return this.env.BARE.fetch(request);
    const script = NAMESPACE.exec(host)?.[1];
    return script ? this.env.DISPATCHER.get(script).fetch(request) : super.fetch(request);
  }
}
