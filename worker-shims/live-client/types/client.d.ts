/**
 * Types of what Hotplate adds to an app's modules: `import.meta` and imports of files that are no scripts.
 * They stand in for `vite/client`, so a project references one of the two:
 *
 *     /// <reference path="./hotplate-client.d.ts" />
 *
 * Name your own values by extending `ImportMetaEnv`, and the data of your own events by extending
 * `HotplateEvents`, in any file without imports.
 */

/** Public values: `VITE_*` of the app's `.env` files and of `PUT …/env`. */
interface ImportMetaEnv {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [name: string]: any;
  /** `/`. */
  readonly BASE_URL: string;
  /** `development` in the preview, `production` in deployments. */
  readonly MODE: string;
  readonly DEV: boolean;
  readonly PROD: boolean;
  /** `false`: modules run in browsers. */
  readonly SSR: boolean;
}

interface ImportMeta {
  readonly env: ImportMetaEnv;
  /** In the preview only. */
  readonly hot?: HotplateHot;
  /** The app's files whose paths match. */
  readonly glob: HotplateGlob;
}

/** A module's exports, as callbacks of `import.meta.hot` get them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type HotplateModule = Record<string, any> & { [Symbol.toStringTag]: "Module" };

/** Hot replacement of one module. What is registered lasts until the module runs again. */
interface HotplateHot {
  /** Kept from one execution of the module to the next; change its properties, do not replace it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
  /** The module takes its own updates. */
  accept(): void;
  /** The same; the callback gets the new module. */
  accept(callback: (module: HotplateModule | undefined) => void): void;
  /** The module takes the updates of one that it imports. */
  accept(dependency: string, callback?: (module: HotplateModule | undefined) => void): void;
  /** The same for several; those that did not change are `undefined`. */
  accept(dependencies: readonly string[], callback?: (modules: (HotplateModule | undefined)[]) => void): void;
  /** The module takes its own updates as long as importers read no other exports than these. */
  acceptExports(names: string | readonly string[], callback?: (module: HotplateModule | undefined) => void): void;
  /** Before the module runs anew, or when it is no longer part of the app. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  dispose(callback: (data: any) => void): void;
  /** When the module is no longer part of the app. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  prune(callback: (data: any) => void): void;
  /** Does nothing, as in Vite. */
  decline(): void;
  /** The module cannot take the update after all: its importers are asked. */
  invalidate(message?: string): void;
  on<Event extends string>(event: Event, callback: (data: HotplateEventData<Event>) => void): void;
  off<Event extends string>(event: Event, callback: (data: HotplateEventData<Event>) => void): void;
  /** To the editors of the app. */
  send<Event extends string>(event: Event, data?: HotplateEventData<Event>): void;
}

/** What events carry. Own events can be added to it. */
interface HotplateEvents {
  /** Before an update is applied. */
  "vite:beforeUpdate": HotplateUpdate;
  /** After an update was applied. */
  "vite:afterUpdate": HotplateUpdate;
  /** Before what belongs to modules that are gone is cleared away. */
  "vite:beforePrune": { type: "prune"; paths: string[] };
  /** Before the page loads anew. */
  "vite:beforeFullReload": { type: "full-reload" };
  /** When an edit does not compile or link. */
  "vite:error": { type: "error"; err: HotplateDiagnostic };
  /** When a module calls `invalidate`. */
  "vite:invalidate": { path: string; message: string | undefined; firstInvalidatedBy: string };
  /** When the connection to the room is there. */
  "vite:ws:connect": Record<string, never>;
  /** When it is lost. */
  "vite:ws:disconnect": Record<string, never>;
  /** When a deployment of the app changes, as the API answers it. */
  "hotplate:deployment": Record<string, unknown>;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type HotplateEventData<Event extends string> = Event extends keyof HotplateEvents ? HotplateEvents[Event] : any;

interface HotplateUpdate {
  type: "update";
  updates: { type: "js-update"; path: string; acceptedPath: string }[];
}

/** A message with its place. */
interface HotplateDiagnostic {
  file: string;
  line: number;
  column: number;
  message: string;
  frame: string;
  severity: "error" | "warning";
  code: string;
  fix?: string;
}

interface HotplateGlobOptions {
  /** Which export to take; the whole module without it. */
  import?: string;
  /** Query of each import: `?raw`, `?url`, `?inline`. */
  query?: string | Record<string, string | number | boolean>;
  /** Also hidden files and packages; taken for Vite's sake, without effect here. */
  exhaustive?: boolean;
}

/** Options by which every match is a text. */
interface HotplateGlobText extends HotplateGlobOptions {
  import: "default";
  query: "?raw" | "raw" | "?url" | "url" | "?inline" | "inline";
}

interface HotplateGlob {
  /** Each match is imported with this module. */
  (patterns: string | readonly string[], options: HotplateGlobText & { eager: true }): Record<string, string>;
  <Match = unknown>(patterns: string | readonly string[], options: HotplateGlobOptions & { eager: true }): Record<string, Match>;
  /** Each match is a function that imports it. */
  (patterns: string | readonly string[], options: HotplateGlobText & { eager?: false }): Record<string, () => Promise<string>>;
  <Match = unknown>(patterns: string | readonly string[], options?: HotplateGlobOptions & { eager?: false }): Record<string, () => Promise<Match>>;
}

/** Class names by what the sheet calls them. */
type HotplateClassNames = { readonly [name: string]: string };

declare module "*.module.css" {
  const classes: HotplateClassNames;
  export default classes;
}
declare module "*.css" {}

// Files by their URL.
declare module "*.apng" {
  const url: string;
  export default url;
}
declare module "*.png" {
  const url: string;
  export default url;
}
declare module "*.jpg" {
  const url: string;
  export default url;
}
declare module "*.jpeg" {
  const url: string;
  export default url;
}
declare module "*.jfif" {
  const url: string;
  export default url;
}
declare module "*.pjpeg" {
  const url: string;
  export default url;
}
declare module "*.pjp" {
  const url: string;
  export default url;
}
declare module "*.gif" {
  const url: string;
  export default url;
}
declare module "*.svg" {
  const url: string;
  export default url;
}
declare module "*.svg?react" {
  export const ReactComponent: (props: Record<string, unknown>) => any;
  export default ReactComponent;
}
declare module "*.ico" {
  const url: string;
  export default url;
}
declare module "*.webp" {
  const url: string;
  export default url;
}
declare module "*.avif" {
  const url: string;
  export default url;
}
declare module "*.mp4" {
  const url: string;
  export default url;
}
declare module "*.webm" {
  const url: string;
  export default url;
}
declare module "*.ogg" {
  const url: string;
  export default url;
}
declare module "*.mp3" {
  const url: string;
  export default url;
}
declare module "*.wav" {
  const url: string;
  export default url;
}
declare module "*.flac" {
  const url: string;
  export default url;
}
declare module "*.aac" {
  const url: string;
  export default url;
}
declare module "*.opus" {
  const url: string;
  export default url;
}
declare module "*.mov" {
  const url: string;
  export default url;
}
declare module "*.m4a" {
  const url: string;
  export default url;
}
declare module "*.vtt" {
  const url: string;
  export default url;
}
declare module "*.woff" {
  const url: string;
  export default url;
}
declare module "*.woff2" {
  const url: string;
  export default url;
}
declare module "*.eot" {
  const url: string;
  export default url;
}
declare module "*.ttf" {
  const url: string;
  export default url;
}
declare module "*.otf" {
  const url: string;
  export default url;
}
declare module "*.webmanifest" {
  const url: string;
  export default url;
}
declare module "*.pdf" {
  const url: string;
  export default url;
}
declare module "*.txt" {
  const url: string;
  export default url;
}
declare module "*.wasm" {
  const url: string;
  export default url;
}

// Queries say what an import gives.
declare module "*?url" {
  const url: string;
  export default url;
}
declare module "*?raw" {
  const text: string;
  export default text;
}
declare module "*?inline" {
  const text: string;
  export default text;
}
declare module "*?worker" {
  const start: { new (options?: { name?: string }): Worker };
  export default start;
}
declare module "*?worker&inline" {
  const start: { new (options?: { name?: string }): Worker };
  export default start;
}
declare module "*?sharedworker" {
  const start: { new (options?: { name?: string }): SharedWorker };
  export default start;
}
declare module "*?sharedworker&inline" {
  const start: { new (options?: { name?: string }): SharedWorker };
  export default start;
}
declare module "*?worker&url" {
  const url: string;
  export default url;
}
declare module "*?sharedworker&url" {
  const url: string;
  export default url;
}
declare module "*.wasm?init" {
  const instantiate: (imports?: WebAssembly.Imports) => Promise<WebAssembly.Instance>;
  export default instantiate;
}
