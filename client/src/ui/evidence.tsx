import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { TrackingMessage } from '../../../src/server/protocol.js';
import type { Store } from '../store.js';
import { landmarkName } from '../words.js';

/** Pictures that change with every frame cannot be looked at. */
const HOLD_MS = 700;
const SHOWN = 4;

/** The exemplars of the gallery that the present frame resembles most: the reason for what is shown. */
export function Evidence({
  store,
  pictures = true,
}: {
  store: Store;
  /** Whether the server has the pictures of this gallery. */ pictures?: boolean;
}): JSX.Element {
  const [tracking, setTracking] = useState<TrackingMessage | null>(null);
  const { hello } = store.get();
  useEffect(() => {
    const timer = window.setInterval(() => {
      setTracking(store.get().tracking);
    }, HOLD_MS);
    return () => {
      window.clearInterval(timer);
    };
  }, [store]);
  const neighbours = tracking?.quality === 'good' ? tracking.neighbours.slice(0, SHOWN) : [];
  const known = tracking?.known === true;
  return (
    <section class="evidence" data-known={known} aria-label="Most similar exemplars">
      <h2>Most similar exemplars{neighbours.length === 0 || known ? '' : ', none close enough to be sure'}</h2>
      <div class="exemplars">
        {neighbours.length === 0 ? <p class="exemplars-none">Nothing to compare</p> : null}
        {neighbours.map((one, position) => (
          <figure key={position} class="exemplar" data-agrees={known && one.label === tracking.landmark}>
            {pictures ? (
              <img
                key={one.exemplar}
                src={`./thumbnails/${one.exemplar}.jpg`}
                alt=""
                decoding="async"
                onError={({ currentTarget }) => {
                  currentTarget.hidden = true;
                }}
              />
            ) : null}
            <figcaption>
              <span>{landmarkName(hello, one.label)}</span> <span class="number">{one.similarity.toFixed(2)}</span>
            </figcaption>
          </figure>
        ))}
      </div>
    </section>
  );
}
