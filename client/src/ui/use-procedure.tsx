import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError } from '../api.js';
import { captureFrame, setPaused } from '../procedure-api.js';
import type { Command } from '../shortcuts.js';
import { useSelected, type Store } from '../store.js';
import { BeginDialog, EndDialog, NoteDialog, SiteDialog, type MarkedSite } from './procedure-dialogs.js';

export type ProcedureCommand = Extract<Command, 'record' | 'note' | 'pause' | 'capture'>;

export interface ProcedureControls {
  readonly run: (command: ProcedureCommand) => void;
  /** Stills kept by hand so far: the picture flashes when it changes. */
  readonly captures: number;
  /** Sets a site by hand; null while there is no procedure to keep that. */
  readonly mark: ((marked: MarkedSite) => void) | null;
  readonly dialogs: JSX.Element | null;
}

/** The frame that is seen at this moment; null before the first. */
function drawnFrame(): { frameId: number; ptsUs: number } | null {
  const { frameId, ptsUs } = document.querySelector<HTMLCanvasElement>('.picture canvas')?.dataset ?? {};
  return frameId === undefined || ptsUs === undefined ? null : { frameId: Number(frameId), ptsUs: Number(ptsUs) };
}

/** What can be done to a procedure, with the questions that it asks. */
export function useProcedure(store: Store, onError: (error: { message: string; remedy: string | null }) => void): ProcedureControls {
  const sourceId = useSelected(store, ({ hello }) => hello?.source?.id ?? null);
  const id = useSelected(store, ({ procedure }) => procedure?.id ?? null);
  const isOpen = useSelected(store, ({ procedure }) => procedure?.state === 'open');
  const [asked, setAsked] = useState<'begin' | 'end' | 'note' | MarkedSite | null>(null);
  const [captures, setCaptures] = useState(0);

  const say = (error: unknown): void => {
    onError({ message: error instanceof Error ? error.message : String(error), remedy: error instanceof ApiError ? error.remedy : null });
  };
  const close = (): void => {
    setAsked(null);
  };
  const run = (command: ProcedureCommand): void => {
    const now = store.get().procedure;
    if (now === null || now.state === 'closing') return;
    if (now.state !== 'open' || now.id === null) {
      if (command === 'record') setAsked('begin');
      else onError({ message: 'Nothing is being recorded.', remedy: 'Press R to begin.' });
      return;
    }
    switch (command) {
      case 'record':
        setAsked('end');
        return;
      case 'note':
        setAsked('note');
        return;
      case 'pause':
        setPaused(now.id, !now.paused).catch(say);
        return;
      case 'capture':
        captureFrame(now.id, drawnFrame()).then(({ fullSize }) => {
          setCaptures((count) => count + 1);
          store.dispatch({ type: 'kept', text: 'Still kept', detail: fullSize ? 'in full size' : 'as shown' });
        }, say);
    }
  };

  let dialogs: JSX.Element | null = null;
  if (asked === 'begin') dialogs = sourceId === null ? null : <BeginDialog sourceId={sourceId} onClose={close} />;
  else if (asked !== null && id !== null) {
    if (asked === 'end') dialogs = <EndDialog id={id} totalMs={store.get().procedure?.totalMs ?? 0} onClose={close} />;
    else if (asked === 'note') dialogs = <NoteDialog id={id} onClose={close} />;
    else dialogs = <SiteDialog id={id} marked={asked} onClose={close} />;
  }
  return { run, captures, mark: isOpen ? setAsked : null, dialogs };
}
