// The public entry of the package: re-exports, nothing else.
export {};
