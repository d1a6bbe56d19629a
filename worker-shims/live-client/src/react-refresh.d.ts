/** The part of `react-refresh/runtime` (which ships no types) that the live client uses. */
declare module "react-refresh/runtime" {
  export function injectIntoGlobalHook(target: Window): void;
  export function register(type: unknown, id: string): void;
  export function createSignatureFunctionForTransform(): Function;
  export function isLikelyComponentType(type: unknown): boolean;
  export function getFamilyByType(type: any): unknown;
  export function performReactRefresh(): unknown;
}
