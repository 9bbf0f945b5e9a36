// Typed events: payload is one object, no magic names. A listener that throws never reaches the emitter's caller.

export type Unsubscribe = () => void;

export interface ListenOptions {
  /** Unsubscribes when it aborts. */
  readonly signal?: AbortSignal;
}

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();
  readonly #onListenerError: (error: unknown) => void;

  /** `onListenerError` is told what a listener threw. */
  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  on<Name extends keyof Events>(
    name: Name,
    listener: (payload: Events[Name]) => void,
    options: ListenOptions = {},
  ): Unsubscribe {
    if (options.signal?.aborted === true) return () => {};
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    // Wrapped, so that one function given twice is two subscriptions.
    const entry = (payload: Events[Name]): void => listener(payload);
    listeners.add(entry);
    const unsubscribe = (): void => {
      listeners.delete(entry);
      options.signal?.removeEventListener('abort', unsubscribe);
    };
    options.signal?.addEventListener('abort', unsubscribe, { once: true });
    return unsubscribe;
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        (listener as (payload: Events[Name]) => void)(payload);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  hasListeners(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }
}
