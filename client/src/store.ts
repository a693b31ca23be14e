import { useEffect, useState } from 'preact/hooks';
import { INITIAL, reduce, type Action, type ViewState } from './view-state.js';

/** Holds the state of the page and tells whoever looks at it. */
export interface Store {
  get(): ViewState;
  dispatch(action: Action): void;
  subscribe(listener: () => void): () => void;
}

export function createStore(): Store {
  let state = INITIAL;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    dispatch: (action) => {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The part of the state that `select` picks; renders again only when that part is another one. */
export function useSelected<T>(store: Store, select: (state: ViewState) => T): T {
  const [, render] = useState({});
  const selected = select(store.get());
  useEffect(() => {
    let last = selected;
    const check = (): void => {
      const now = select(store.get());
      if (Object.is(now, last)) return;
      last = now;
      render({});
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return selected;
}
