// Typed events: payload is one object, no magic names. A listener that throws never reaches the emitter's caller.
// Costs next to nothing where nobody listens: there may be an emitter for each of thousands of things.

export type Unsubscribe = () => void;

export interface ListenOptions {
  /** Unsubscribes when it aborts. */
  readonly signal?: AbortSignal;
}

/** One call of `on`: the same function given twice is two subscriptions. */
interface Subscription {
  readonly name: PropertyKey;
  readonly listener: (payload: never) => void;
}

const NOBODY: readonly Subscription[] = [];

export class Emitter<Events extends object> {
  /** Replaced, never changed: who walks through it is not disturbed. */
  #subscriptions: readonly Subscription[] = NOBODY;
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
    const { signal } = options;
    if (signal?.aborted === true) return () => {};
    const subscription: Subscription = { name, listener };
    this.#subscriptions = [...this.#subscriptions, subscription];
    const unsubscribe = (): void => {
      this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
      signal?.removeEventListener('abort', unsubscribe);
    };
    signal?.addEventListener('abort', unsubscribe, { once: true });
    return unsubscribe;
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.name !== name) continue;
      try {
        (subscription.listener as (payload: Events[Name]) => void)(payload);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  hasListeners(name: keyof Events): boolean {
    return this.#subscriptions.some((subscription) => subscription.name === name);
  }
}
