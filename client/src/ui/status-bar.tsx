import type { JSX } from 'preact';
import { useSelected, type Store } from '../store.js';
import { oneDecimal } from '../words.js';

const SOURCE_WORDS = {
  connecting: 'connecting',
  'searching-field-of-view': 'looking for the field of view',
  running: 'running',
  reconnecting: 'reconnecting',
  stalled: 'stalled',
  ended: 'ended',
  failed: 'failed',
} as const;

const LINK_WORDS = { connecting: 'connecting', open: 'connected', lost: 'connection lost' } as const;

function Fact({ name, value, title, warn }: { name: string; value: string; title: string; warn?: boolean }): JSX.Element {
  return (
    <div class="fact" title={title} data-warn={warn ?? false}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Annotations older than this are not of what is seen. It is the bound that deployed systems are accepted with. */
const OLD_ANNOTATION_MS = 120;

export function StatusBar({ store, brief = false }: { store: Store; brief?: boolean }): JSX.Element {
  const link = useSelected(store, (state) => state.link);
  const source = useSelected(store, (state) => state.source);
  const stats = useSelected(store, (state) => state.stats);
  const hello = useSelected(store, (state) => state.hello);
  const age = stats === null || stats.analysedFps === 0 ? undefined : stats.annotationAgeMs;
  const drawDelayMs = stats?.drawDelayMs ?? null;
  const gallery = hello?.gallery ?? null;
  const reconnects = source?.reconnects ?? 0;
  return (
    <footer class="status-bar">
      <span class="link" data-link={link} role="status">
        <span class="dot" aria-hidden="true" />
        {LINK_WORDS[link]}
      </span>
      <dl class="facts" hidden={brief}>
        <Fact
          name="Source"
          value={source === null ? '–' : SOURCE_WORDS[source.state] + (reconnects > 0 ? ` (${reconnects}×)` : '')}
          title={source?.detail ?? 'State of the source, with how often it was reconnected'}
          warn={source !== null && source.state !== 'running'}
        />
        <Fact name="Video" value={stats === null ? '–' : `${oneDecimal(stats.previewFps)} fps`} title="Frames of the preview per second" />
        <Fact name="Analysed" value={stats === null ? '–' : `${oneDecimal(stats.analysedFps)} fps`} title="Frames analysed per second" />
        <Fact
          name="Dropped"
          value={stats === null ? '–' : `${stats.droppedFrames} / ${stats.clientDroppedFrames}`}
          title="Frames not analysed because a newer one had come / frames not sent to this page because it was too slow"
        />
        <Fact
          name="Annotation age"
          value={age === undefined ? '–' : `${Math.round(age.p95)} ms`}
          title="From a frame leaving the source to its annotation, 95th percentile of the last second"
          warn={age !== undefined && age.p95 > OLD_ANNOTATION_MS}
        />
        {drawDelayMs === null ? null : (
          <Fact
            name="Display"
            value={`${Math.round(drawDelayMs)} ms`}
            title="From the server sending a frame to hearing that this page has drawn it"
          />
        )}
        <Fact name="Model" value={hello?.model?.name ?? '–'} title={hello?.model?.fingerprint ?? ''} />
        <Fact
          name="Gallery"
          value={gallery?.name ?? '–'}
          title={gallery === null ? '' : `${gallery.exemplars} exemplars of ${gallery.labels.length} labels`}
        />
      </dl>
      <span class="research">Research use only</span>
    </footer>
  );
}
