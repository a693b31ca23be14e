import type { JSX } from 'preact';
import { completenessOf } from '../completeness.js';
import type { Pulse } from '../health.js';
import { useSelected, type Store } from '../store.js';
import { useHealth } from './app.js';
import { CornerMarks, LevelIcon } from './icons.js';
import { LandmarkChip } from './picture.js';

/** The overlay alone, for mixers that lay it over their own picture of the same source: no video, no background. */
export function Transparent({ store, pulse }: { store: Store; pulse: Pulse }): JSX.Element {
  const health = useHealth(store, pulse, false);
  const fieldOfView = useSelected(store, (state) => state.hello?.fieldOfView ?? null);
  const checklist = useSelected(store, (state) => state.hello?.checklist ?? null);
  const coverage = useSelected(store, (state) => state.coverage);
  const optional = new Set(checklist?.sites.filter((site) => site.optional).map(({ id }) => id));
  const { required, documented } = completenessOf((coverage?.sites ?? []).map(({ id, state }) => ({ optional: optional.has(id), state })));
  const box = fieldOfView ?? { x: 0, y: 0, width: 16, height: 9, sourceWidth: 16, sourceHeight: 9 };
  const share = (part: number, whole: number): string => `${((part / whole) * 100).toFixed(3)}%`;
  const place = {
    left: share(box.x, box.sourceWidth),
    top: share(box.y, box.sourceHeight),
    width: share(box.width, box.sourceWidth),
    height: share(box.height, box.sourceHeight),
  };
  return (
    <div class="transparent" style={{ '--ratio': (box.sourceWidth / box.sourceHeight).toFixed(4) }}>
      <div class="transparent-frame">
        <div class="picture" data-level={health.level} style={place}>
          {fieldOfView === null ? null : <CornerMarks />}
          <div class="indicator" data-level={health.level}>
            <LevelIcon level={health.level} overlay />
          </div>
          {health.text === '' ? null : (
            <div class="trouble" data-level={health.level}>
              <strong>{health.text}</strong>
            </div>
          )}
          <LandmarkChip store={store} health={health} />
          {required === 0 ? null : (
            <span class="transparent-progress">
              <b>{documented}</b> of {required}
            </span>
          )}
        </div>
      </div>
    </div>
  );
}
