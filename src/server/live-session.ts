import { Subject, type Subscription } from 'rxjs';
import type { FrameSource } from '../capture/frame.js';
import { UsageError } from '../common/errors.js';
import { version } from '../common/version.js';
import type { Embedder } from '../inference/embedder.js';
import type { Gallery } from '../retrieval/gallery.js';
import { CHECKLISTS, loadChecklist, type Checklist } from '../tracking/checklist.js';
import type { TrackerOptions } from '../tracking/options.js';
import { checklistSummary, labelInfo } from './messages.js';
import { SUBPROTOCOL, type ChecklistSummary, type HelloMessage } from './protocol.js';
import { LiveProcedures, type LiveProceduresOptions, type ProcedureContext } from './live-procedures.js';
import type { DeviceSummary, OpenSourceRequest, Picture, SessionController, SessionMessage } from './session.js';
import { SourceSession } from './source-session.js';

/** Opens a source by what the user wrote; `id` is the session's name for it. */
export type SourceOpener = (request: { id: string; source: string; loop: boolean }) => Promise<{ source: FrameSource; simulated: boolean }>;

export interface LiveSessionOptions {
  readonly gallery: Gallery;
  readonly embedder: Embedder;
  readonly checklist: Checklist;
  readonly tracker?: Partial<TrackerOptions>;
  readonly openSource: SourceOpener;
  readonly devices: () => Promise<DeviceSummary[]>;
  /** Where and how procedures are kept; null or absent: they cannot be. */
  readonly procedures?: LiveProceduresOptions | null;
}

/** The application behind the server: any number of sources that share one model, one gallery and one checklist. */
export class LiveSession implements SessionController {
  readonly messages = new Subject<SessionMessage>();
  readonly procedures: LiveProcedures | null;
  readonly #options: LiveSessionOptions;
  readonly #sources = new Map<string, { session: SourceSession; subscription: Subscription }>();
  #checklist: Checklist;
  #opened = 0;

  constructor(options: LiveSessionOptions) {
    this.#options = options;
    this.#checklist = options.checklist;
    const sources = (): SourceSession[] => [...this.#sources.values()].map(({ session }) => session);
    const context: ProcedureContext = {
      ...{ gallery: options.gallery, embedder: options.embedder, tracker: options.tracker },
      ...{ sources, checklist: () => this.#checklist, setChecklist: (id) => this.setChecklist(id) },
      source: (id) => (id === undefined ? this.#default : this.#sources.get(id)?.session),
    };
    const { procedures = null } = options;
    this.procedures = procedures === null ? null : new LiveProcedures(procedures, context);
  }

  hello(sourceId: string | null): HelloMessage {
    const { gallery } = this.#options;
    const shown = sourceId === null ? this.#default : this.#sources.get(sourceId)?.session;
    return {
      type: 'hello',
      protocol: SUBPROTOCOL,
      software: `lumenmark ${version}`,
      source: shown === undefined ? null : { id: shown.id, label: shown.source.label, live: shown.source.live, simulated: shown.simulated },
      sources: [...this.#sources.values()].map(({ session }) => ({ id: session.id, label: session.source.label })),
      model: { name: gallery.model.name, fingerprint: gallery.model.fingerprint },
      gallery: { name: gallery.name, exemplars: gallery.exemplars.length, labels: gallery.labels.map(labelInfo) },
      checklist: checklistSummary(this.#checklist),
      fieldOfView: shown?.fieldOfView ?? null,
    };
  }

  devices(): Promise<DeviceSummary[]> {
    return this.#options.devices();
  }

  /** Opens a source beside those that are open; with `record`, a procedure that begins with its first frame. */
  async addSource(request: OpenSourceRequest & { record?: { label?: string } }): Promise<{ sourceId: string }> {
    const { gallery, embedder, tracker, openSource } = this.#options;
    if (request.checklistId !== undefined) this.#checklist = loadShipped(request.checklistId);
    this.#opened += 1;
    const id = `source-${this.#opened}`;
    const { source, simulated } = await openSource({ id, source: request.source, loop: request.loop ?? false });
    const session = new SourceSession({
      source,
      embedder,
      gallery,
      ...(tracker === undefined ? {} : { tracker }),
      checklist: this.#checklist,
      simulated,
      keepsProcedures: this.procedures !== null,
    });
    this.#sources.set(id, {
      session,
      subscription: session.messages.subscribe((message) => {
        this.messages.next(message);
        // A recording that was played to its end has no more to tell.
        if (!session.isAlive) void this.procedures?.stopOf(session);
      }),
    });
    this.#sayHello();
    if (request.record !== undefined) await this.procedures?.start({ sourceId: id, ...request.record });
    session.start();
    return { sourceId: id };
  }

  async openSource(request: OpenSourceRequest): Promise<{ sourceId: string }> {
    const replaced = this.#default?.id;
    // A capture device can be open once only: let go of it first.
    if (replaced !== undefined) await this.closeSource(replaced);
    return this.addSource(request);
  }

  async closeSource(sourceId: string | null): Promise<void> {
    const closing = [...this.#sources.values()].filter(({ session }) => sourceId === null || session.id === sourceId);
    const { procedures } = this;
    if (procedures !== null) await Promise.all(closing.map(({ session }) => procedures.stopOf(session)));
    for (const { session } of closing) this.#sources.delete(session.id);
    await Promise.all(closing.map(({ session }) => session.dispose()));
    for (const { subscription } of closing) subscription.unsubscribe();
    if (closing.length > 0) this.#sayHello();
  }

  checklists(): ChecklistSummary[] {
    return CHECKLISTS.map(checklistSummary);
  }

  setChecklist(checklistId: string): Promise<void> {
    this.#checklist = loadShipped(checklistId);
    this.#sayHello();
    for (const { session } of this.#sources.values()) session.setChecklist(this.#checklist);
    return Promise.resolve();
  }

  still(name: string): Promise<Picture | null> {
    const [sourceId = '', landmark = '', file = ''] = name.split('/').map(decodeURIComponent);
    const bytes = this.#sources.get(sourceId)?.session.still(landmark, Number.parseInt(file, 10)) ?? null;
    return Promise.resolve(bytes && { contentType: 'image/jpeg', bytes });
  }

  async thumbnail(exemplar: number): Promise<Picture | null> {
    const bytes = await this.#options.gallery.thumbnail(exemplar);
    return bytes && { contentType: 'image/jpeg', bytes };
  }

  /** Closes all sources; the embedder is the caller's. */
  dispose(): Promise<void> {
    return this.closeSource(null);
  }

  get #default(): SourceSession | undefined {
    const [first] = this.#sources.values();
    return first?.session;
  }

  #sayHello(): void {
    this.messages.next(this.hello(null));
  }
}

/** A page may choose among the shipped checklists, not make the server read files. */
function loadShipped(checklistId: string): Checklist {
  if (CHECKLISTS.some(({ id }) => id === checklistId)) return loadChecklist(checklistId);
  throw new UsageError('checklist-unknown', `There is no checklist "${checklistId}"`, {
    remedy: `Use one of ${CHECKLISTS.map(({ id }) => id).join(', ')}.`,
  });
}
