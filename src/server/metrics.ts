import type { Hub } from './hub.js';
import type { SessionController } from './session.js';

type Kind = 'gauge' | 'counter';
type Samples = readonly (readonly [labels: string, value: number])[];

function family(name: string, kind: Kind, help: string, samples: Samples): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value]) => `lumenmark_${name}${labels} ${value}`);
  return [`# HELP lumenmark_${name} ${help}`, `# TYPE lumenmark_${name} ${kind}`, ...lines, ''].join('\n');
}

function label(value: string): string {
  return `{source="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"}`;
}

/** The state of the server in the text format of Prometheus. */
export function metricsText(controller: SessionController, hub: Hub): string {
  const totals = hub.totals;
  const sources = controller.hello(null).sources.flatMap(({ id }) => {
    const memory = hub.memory(id);
    return memory === undefined ? [] : [{ labels: label(id), memory, stats: memory.stats }];
  });
  const ofStats = (pick: (stats: NonNullable<(typeof sources)[number]['stats']>) => number): Samples =>
    sources.flatMap(({ labels, stats }) => (stats === null ? [] : [[labels, pick(stats)] as const]));
  return [
    family('clients', 'gauge', 'Connected clients.', [['', totals.clients]]),
    family('frames_sent_total', 'counter', 'Preview frames written to clients.', [['', totals.framesSent]]),
    family('frames_withheld_total', 'counter', 'Preview frames kept from slow clients.', [['', totals.framesDropped]]),
    family('sent_bytes_total', 'counter', 'Bytes of messages written to clients.', [['', totals.bytesSent]]),
    family('clients_evicted_total', 'counter', 'Clients closed because they read too slowly.', [['', totals.clientsEvicted]]),
    family(
      'source_running',
      'gauge',
      'Whether the source delivers.',
      sources.map(({ labels, memory }) => {
        const event = memory.state;
        return [labels, event?.event === 'source' && event.state === 'running' ? 1 : 0] as const;
      }),
    ),
    family(
      'preview_fps',
      'gauge',
      'Preview frames per second.',
      ofStats((stats) => stats.previewFps),
    ),
    family(
      'analysed_fps',
      'gauge',
      'Analysed frames per second.',
      ofStats((stats) => stats.analysedFps),
    ),
    family(
      'analysis_dropped_total',
      'counter',
      'Analysis frames replaced by newer ones.',
      ofStats((stats) => stats.droppedFrames),
    ),
    family(
      'annotation_age_p95_ms',
      'gauge',
      'Age of annotations, p95 of the last second.',
      ofStats((stats) => stats.annotationAgeMs.p95),
    ),
    family(
      'inference_ms',
      'gauge',
      'Time of one inference.',
      ofStats((stats) => stats.inferenceMs),
    ),
  ].join('');
}
