import { expect } from 'vitest';

/** `expect` of something that becomes true in its own time, on a machine that may be busy. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 20_000 });
}
