import { Subject } from 'rxjs';
import { UsageError } from '../../src/common/errors.js';
import {
  SUBPROTOCOL,
  type ChecklistSummary,
  type CoverageMessage,
  type HelloMessage,
  type ProcedureMessage,
  type TrackingMessage,
} from '../../src/server/protocol.js';
import type {
  DeviceSummary,
  OpenSourceRequest,
  Picture,
  ProcedureControl,
  SessionController,
  SessionFrame,
  SessionMessage,
  SessionStats,
} from '../../src/server/session.js';

export const CHECKLIST: ChecklistSummary = {
  id: 'test-4',
  name: 'Four sites',
  citation: 'Nobody 2026',
  status: 'verified',
  sites: [
    { id: 'z-line', name: 'Z-line', landmarks: ['z-line'], optional: false },
    { id: 'antrum', name: 'Antrum', landmarks: ['antrum'], optional: false },
    { id: 'angulus', name: 'Angulus in partial inversion', landmarks: ['angulus'], optional: false },
    { id: 'duodenum', name: 'Second part of the duodenum', landmarks: ['duodenum'], optional: true },
  ],
};

export const OTHER_CHECKLIST: ChecklistSummary = { ...CHECKLIST, id: 'other-1', name: 'One site', sites: CHECKLIST.sites.slice(0, 1) };

/** Smallest thing that counts as a picture where nobody decodes it. */
export const NO_JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xd9]);

export function frame(frameId: number, options: Partial<SessionFrame> = {}): SessionFrame {
  const ptsUs = frameId * 40_000;
  return { type: 'frame', sourceId: 's1', frameId, ptsUs, jpeg: NO_JPEG, detection: null, capturedAtMs: performance.now(), ...options };
}

export function tracking(frameId: number, options: Partial<TrackingMessage> = {}): TrackingMessage {
  return {
    type: 'tracking',
    sourceId: 's1',
    frameId,
    ptsUs: frameId * 40_000,
    landmark: 'antrum',
    score: 0.9,
    frameLabel: 'antrum',
    frameScore: 0.8,
    known: true,
    quality: 'good',
    qualityScore: 0.9,
    annotationAgeMs: 42,
    neighbours: [],
    ...options,
  };
}

export function coverage(
  states: CoverageMessage['sites'][number]['state'][] = ['unseen', 'seen', 'documented', 'unsupported'],
): CoverageMessage {
  return {
    type: 'coverage',
    sourceId: 's1',
    checklistId: CHECKLIST.id,
    sites: CHECKLIST.sites.map(({ id }, position) => {
      const state = states[position] ?? 'unseen';
      const seen = state === 'seen' || state === 'documented';
      const still = state === 'documented' ? `/stills/s1/${id}-7.jpg` : null;
      return { id, state, sightings: seen ? 1 : 0, dwellMs: seen ? 2400 : 0, still, stillFrameId: still === null ? null : 7, byHand: null };
    }),
  };
}

export function procedure(options: Partial<ProcedureMessage> = {}): ProcedureMessage {
  return {
    ...{ type: 'procedure', sourceId: 's1', state: 'open', id: '2026-11-27T02-14-55Z-k3f9', label: null, operator: 'Dr. A' },
    ...{ startedAt: '2026-11-27T02:14:55.120Z', totalMs: 65_000, inspectionMs: 61_000, withdrawalMs: null, paused: false },
    ...{ video: 'running', recordedFrames: 1950, recordedBytes: 65e6, disk: { state: 'ok', freeBytes: 80e9, lastsMs: 8e7 } },
    ...{ captures: 1, stills: 2, marks: 0, trouble: null, headHash: null },
    ...options,
  };
}

export function stats(options: Partial<SessionStats> = {}): SessionStats {
  return {
    type: 'stats',
    sourceId: 's1',
    previewFps: 25,
    analysedFps: 12.5,
    droppedFrames: 3,
    annotationAgeMs: { p50: 40, p95: 61 },
    inferenceMs: 31,
    ...options,
  };
}

/** A session without ffmpeg or models: tests say what happens in it. */
export class FakeSession implements SessionController {
  readonly messages = new Subject<SessionMessage>();
  procedures: ProcedureControl | null = null;
  source: HelloMessage['source'] = { id: 's1', label: 'gastroscopy.mp4', live: true, simulated: false };
  /** Sources that are open beside the one shown by default. */
  others: { id: string; label: string; live: boolean; simulated: boolean }[] = [];
  checklist: ChecklistSummary = CHECKLIST;
  readonly opened: OpenSourceRequest[] = [];
  closed = 0;
  deviceList: DeviceSummary[] = [{ source: 'v4l2:/dev/video0', name: 'Capture card', formats: ['1920×1080 mjpeg 30 fps'] }];
  readonly pictures = new Map<string, Picture>();
  /** Set to make the next `openSource` fail. */
  openFault: Error | null = null;

  emit(message: SessionMessage): void {
    this.messages.next(message);
  }

  hello(sourceId: string | null): HelloMessage {
    const all = [...(this.source === null ? [] : [this.source]), ...this.others];
    const source = sourceId === null ? this.source : (all.find(({ id }) => id === sourceId) ?? null);
    return {
      type: 'hello',
      protocol: SUBPROTOCOL,
      software: 'lumenmark 0.0.0-test',
      source,
      sources: all.map(({ id, label }) => ({ id, label })),
      model: { name: 'descriptors', fingerprint: 'f'.repeat(64) },
      gallery: {
        name: 'test gallery',
        exemplars: 66,
        labels: [
          { id: 'antrum', name: 'Antrum', kind: 'landmark' },
          { id: 'angulus', name: 'Angulus', kind: 'landmark' },
          { id: 'z-line', name: 'Z-line', kind: 'landmark' },
          { id: 'retroflex-stomach', name: 'Stomach in retroflexion', kind: 'landmark' },
        ],
      },
      checklist: this.checklist,
      fieldOfView: { x: 0, y: 0, width: 640, height: 512, sourceWidth: 672, sourceHeight: 544 },
    };
  }

  devices(): Promise<DeviceSummary[]> {
    return Promise.resolve(this.deviceList);
  }

  openSource(request: OpenSourceRequest): Promise<{ sourceId: string }> {
    this.opened.push(request);
    if (this.openFault !== null) {
      // What was open is let go before the next is tried: a device can be open once only.
      this.source = null;
      this.emit(this.hello(null));
      return Promise.reject(this.openFault);
    }
    this.source = { id: 's1', label: request.source, live: true, simulated: false };
    this.emit(this.hello(null));
    return Promise.resolve({ sourceId: 's1' });
  }

  closeSource(): Promise<void> {
    this.closed += 1;
    this.source = null;
    this.emit(this.hello(null));
    return Promise.resolve();
  }

  checklists(): ChecklistSummary[] {
    return [CHECKLIST, OTHER_CHECKLIST];
  }

  setChecklist(checklistId: string): Promise<void> {
    const checklist = this.checklists().find(({ id }) => id === checklistId);
    if (checklist === undefined) {
      return Promise.reject(
        new UsageError('unknown-checklist', `No checklist is called "${checklistId}".`, { remedy: 'Choose one of the list.' }),
      );
    }
    this.checklist = checklist;
    this.emit(this.hello(null));
    return Promise.resolve();
  }

  still(name: string): Promise<Picture | null> {
    return Promise.resolve(this.pictures.get(name) ?? null);
  }

  thumbnail(exemplar: number): Promise<Picture | null> {
    return Promise.resolve(this.pictures.get(String(exemplar)) ?? null);
  }
}
