import type { FieldOfViewOption } from '../capture/options.js';
import { ProcedureError } from '../common/errors.js';
import type { Embedder } from '../inference/embedder.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { NewProcedure } from '../procedure/description.js';
import type { InstallationKey } from '../procedure/key.js';
import { LiveProcedure } from '../procedure/recording/live-procedure.js';
import { galleryFingerprint } from '../retrieval/fingerprint.js';
import type { Gallery } from '../retrieval/gallery.js';
import type { Checklist } from '../tracking/checklist.js';
import { trackerOptionsFor } from '../tracking/gallery-options.js';
import { resolveTrackerOptions, type TrackerOptions } from '../tracking/options.js';
import type { CaptureRequest, ProcedureControl, StartProcedureRequest } from './session.js';
import type { SourceSession } from './source-session.js';

export interface LiveProceduresOptions {
  /** Home that procedures are kept in; the caller holds its lock. */
  readonly home: string;
  readonly key: InstallationKey;
  readonly ffmpeg: Ffmpeg;
  /** Who examines, where a request names nobody. */
  readonly operator: string;
  /** As sources are opened with. */
  readonly analysisFps: number | null;
  readonly fieldOfView: FieldOfViewOption;
  /** How the video is kept; `copy` may hold packets in another order than they are shown in. Null: no video. */
  readonly codec: 'encode' | 'copy' | null;
}

/** The live session, as far as procedures need it. */
export interface ProcedureContext {
  readonly gallery: Gallery;
  readonly embedder: Embedder;
  readonly tracker: Partial<TrackerOptions> | undefined;
  readonly checklist: () => Checklist;
  readonly setChecklist: (id: string) => Promise<void>;
  /** The source of this name, or the one shown by default. */
  readonly source: (id: string | undefined) => SourceSession | undefined;
  readonly sources: () => Iterable<SourceSession>;
}

/** Frames that B-frames may be out of order by: what H.264 allows. */
const REORDER = 16;

/** At most one open procedure for each source. */
export class LiveProcedures implements ProcedureControl {
  readonly #options: LiveProceduresOptions;
  readonly #context: ProcedureContext;
  readonly #starting = new Set<string>();

  constructor(options: LiveProceduresOptions, context: ProcedureContext) {
    this.#options = options;
    this.#context = context;
  }

  async start({ sourceId, label, checklistId, operator }: StartProcedureRequest): Promise<{ id: string; sourceId: string }> {
    const session = this.#context.source(sourceId);
    if (session?.isAlive !== true) {
      throw new ProcedureError('procedure-without-source', 'There is no source that runs, hence nothing to keep.', {
        remedy: 'Open a source first.',
      });
    }
    const before = session.procedure?.status;
    if (this.#starting.has(session.id) || before?.state === 'open' || before?.state === 'closing') {
      throw new ProcedureError('procedure-open', `Procedure ${before?.id ?? ''} of this source is still open.`, {
        remedy: before?.state === 'closing' ? 'It is being closed; try again in a moment.' : 'End it first.',
      });
    }
    this.#starting.add(session.id);
    try {
      if (checklistId !== undefined) await this.#context.setChecklist(checklistId);
      return { id: await this.#open(session, label ?? null, operator ?? this.#options.operator), sourceId: session.id };
    } finally {
      this.#starting.delete(session.id);
    }
  }

  async stop(id: string, by?: string): Promise<{ id: string; headHash: string }> {
    const { session, procedure } = this.#find(id);
    const { headHash } = await procedure.stop(() => {
      session.finishTracking();
    }, by);
    return { id: procedure.id, headHash };
  }

  /** Ends the procedure of a source, if one is open; what fails is told on its page. */
  async stopOf(session: SourceSession): Promise<void> {
    const { procedure } = session;
    if (procedure === null || procedure.status.state === 'closed' || procedure.status.state === 'failed') return;
    await procedure
      .stop(() => {
        session.finishTracking();
      }, 'lumenmark')
      .catch(() => undefined);
  }

  capture(id: string, request: CaptureRequest): Promise<{ file: string; fullSize: boolean }> {
    return this.#find(id).procedure.capture(request);
  }

  async setSite(id: string, { site, state, reason, by }: Parameters<ProcedureControl['setSite']>[1]): Promise<void> {
    const { procedure, session } = this.#find(id);
    await (state === null ? procedure.clearSite(site, reason, by) : procedure.setSite(site, state, reason, by));
    session.procedureChanged();
  }

  note(id: string, text: string, by?: string): Promise<void> {
    return this.#find(id).procedure.note(text, by);
  }

  pause(id: string, reason: string | null, by?: string): Promise<void> {
    return this.#find(id).procedure.pause(reason, by);
  }

  resume(id: string, by?: string): Promise<void> {
    return this.#find(id).procedure.resume(by);
  }

  async #open(session: SourceSession, label: string | null, operator: string): Promise<string> {
    const { home, key, ffmpeg, codec } = this.#options;
    const procedure = await LiveProcedure.start(
      {
        ...{ home, key, operator, ffmpeg, procedure: this.#describe(session, label), reorder: codec === 'copy' ? REORDER : 0 },
        setRecording:
          codec === null
            ? null
            : (open) => {
                session.source.setRecording(open);
              },
        preview: (frameId) => session.preview(frameId),
        onChange: () => {
          session.procedureChanged();
        },
      },
      { fieldOfView: session.fieldOfView },
    );
    session.begin(procedure);
    return procedure.id;
  }

  #describe(session: SourceSession, label: string | null): NewProcedure {
    const { gallery, embedder, tracker, checklist } = this.#context;
    const { model, manifest, name, exemplars, labels } = gallery;
    const { analysisFps: fps, fieldOfView, ffmpeg } = this.#options;
    const { source, simulated } = session;
    const examined = checklist();
    return {
      ...{ kind: 'recorded', label, checklist: examined },
      source: { label: source.label, live: source.live, simulated, sha256: null },
      model: { name: model.name, fingerprint: model.fingerprint },
      gallery: { name, fingerprint: galleryFingerprint(manifest), exemplars: exemplars.length, labels: [...labels] },
      tracker: resolveTrackerOptions({ ...trackerOptionsFor(gallery, examined), ...tracker }),
      analysis: { ...model.input, fps, fieldOfView, policy: source.live ? 'latest' : 'every', device: embedder.device.name },
      versions: { ffmpeg: ffmpeg.version },
    };
  }

  /** `current` is the one of the source shown by default. */
  #find(id: string): { session: SourceSession; procedure: LiveProcedure } {
    const sessions = id === 'current' ? [this.#context.source(undefined)] : [...this.#context.sources()];
    for (const session of sessions) {
      const procedure = session?.procedure ?? null;
      if (session !== undefined && procedure !== null && (id === 'current' || procedure.id === id)) return { session, procedure };
    }
    throw new ProcedureError('procedure-not-open', id === 'current' ? 'No procedure is open.' : `Procedure ${id} is not open here.`, {
      remedy: 'Start one first.',
    });
  }
}
