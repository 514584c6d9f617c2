/** Typed events. A listener that throws is reported and disturbs neither the others nor the client. */

export type Emitter<Events> = {
  on: <Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void) => () => void;
  emit: <Name extends keyof Events>(name: Name, event: Events[Name]) => void;
};

/** `report` gets what a listener threw, or what its promise rejected with. */
export function createEmitter<Events>(report: (error: unknown) => void): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => unknown>>();
  return {
    on(name, listener) {
      const own = listeners.get(name) ?? new Set();
      listeners.set(name, own);
      // A function of its own, so that a listener added twice is called twice and removed one by one.
      const call = (event: never): unknown => listener(event);
      own.add(call);
      return () => {
        own.delete(call);
      };
    },
    emit(name, event) {
      for (const listener of Array.from(listeners.get(name) ?? [])) {
        try {
          const result = listener(event as never);
          if (result instanceof Promise) result.catch(report);
        } catch (error) {
          report(error);
        }
      }
    },
  };
}
