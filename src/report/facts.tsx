import type { ComponentChild } from 'preact';

export interface Fact {
  readonly name: string;
  readonly value: ComponentChild;
  /** An interval, a unit, how many it rests on. */
  readonly detail?: ComponentChild;
}

/** The few numbers that a reader came for. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ name, value, detail }) => (
        <div>
          <dt>{name}</dt>
          <dd>
            {value}
            {detail === undefined ? null : <small>{detail}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
