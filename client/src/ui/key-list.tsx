import type { JSX } from 'preact';

/** What keys do. */
export function KeyList({ keys }: { keys: readonly { readonly key: string; readonly does: string }[] }): JSX.Element {
  return (
    <dl class="key-list">
      {keys.map(({ key, does }) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  );
}
