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

interface OpenedSource {
  readonly session: SourceSession;
  readonly subscription: Subscription;
}

/** The application behind the server: any number of sources that share one model, one gallery and one checklist. */
export class LiveSession implements SessionController {
  readonly messages = new Subject<SessionMessage>();
  readonly procedures: LiveProcedures | null;
  readonly #options: LiveSessionOptions;
  /** The first is shown by default. */
  readonly #sources = new Map<string, OpenedSource>();
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
    const opened = await this.#open(request);
    this.#sources.set(opened.session.id, opened);
    this.#sayHello();
    if (request.record !== undefined) await this.procedures?.start({ sourceId: opened.session.id, ...request.record });
    opened.session.start();
    return { sourceId: opened.session.id };
  }

  /** Opens a source in the place of the one that is shown, which goes on when the new one cannot be opened. */
  async openSource(request: OpenSourceRequest): Promise<{ sourceId: string }> {
    const opened = await this.#open(request);
    const [replaced, ...others] = this.#sources;
    this.#sources.clear();
    for (const [id, source] of [[opened.session.id, opened] as const, ...(replaced ? [replaced] : []), ...others])
      this.#sources.set(id, source);
    // A capture device can be open once only: it is not read before what played is gone.
    if (replaced === undefined) this.#sayHello();
    else await this.closeSource(replaced[0]);
    opened.session.start();
    return { sourceId: opened.session.id };
  }

  /** A source that is ready to start. */
  async #open(request: OpenSourceRequest): Promise<OpenedSource> {
    const { gallery, embedder, tracker, openSource } = this.#options;
    const checklist = request.checklistId === undefined ? null : loadShipped(request.checklistId);
    this.#opened += 1;
    const id = `source-${this.#opened}`;
    const { source, simulated } = await openSource({ id, source: request.source, loop: request.loop ?? false });
    if (checklist !== null) this.#checklist = checklist;
    const session = new SourceSession({
      source,
      embedder,
      gallery,
      ...(tracker === undefined ? {} : { tracker }),
      checklist: this.#checklist,
      simulated,
      keepsProcedures: this.procedures !== null,
    });
    const subscription = session.messages.subscribe((message) => {
      this.messages.next(message);
      // A recording that was played to its end has no more to tell.
      if (!session.isAlive) void this.procedures?.stopOf(session);
    });
    return { session, subscription };
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
