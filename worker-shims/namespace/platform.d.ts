// What workerd offers and TypeScript's own libraries do not describe; only as much as is used here.
declare module "cloudflare:workers" {
  export class DurableObject { constructor(ctx: any, env: any); ctx: any; env: any }
  export class WorkerEntrypoint { constructor(ctx: any, env: any); ctx: any; env: any }
}
interface Uint8Array { toBase64(options?: { alphabet?: "base64" | "base64url"; omitPadding?: boolean }): string }
interface Uint8ArrayConstructor { fromBase64(text: string, options?: { alphabet?: "base64" | "base64url" }): Uint8Array<ArrayBuffer> }
declare class URLPattern { constructor(init: { pathname: string }); exec(input: { pathname: string }): { pathname: { groups: Record<string, string | undefined> } } | null }
