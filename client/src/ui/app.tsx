import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FrameMessage } from '../../../src/server/protocol.js';
import { closeSource } from '../api.js';
import { assess, type Health, type Pulse } from '../health.js';
import { commandOf, takesKeys, type Command } from '../shortcuts.js';
import { useSelected, type Store } from '../store.js';
import { Announcer } from './announcer.js';
import { ChecklistChoice } from './checklist-choice.js';
import { Checklist } from './checklist.js';
import { Dialog } from './dialog.js';
import { Evidence } from './evidence.js';
import { Help } from './help.js';
import { Wordmark } from './icons.js';
import { Notices } from './notices.js';
import { Pages } from './pages.js';
import { Picture } from './picture.js';
import { ProcedureBar } from './procedure-bar.js';
import { NO_CHOICE, SourceChoice } from './source-choice.js';
import { StillDialog, type OpenStill } from './still-dialog.js';
import { StatusBar } from './status-bar.js';
import { Timeline } from './timeline.js';
import { useProcedure } from './use-procedure.js';
import { useWakeLock } from './wake-lock.js';

const HEALTH_EVERY_MS = 250;

/** The health of what is shown, looked at four times a second and right after every change of the state. */
export function useHealth(store: Store, pulse: Pulse, expectFrames: boolean): Health {
  const [health, setHealth] = useState<Health>(() => assess(store.get(), pulse, performance.now(), expectFrames));
  useEffect(() => {
    const look = (): void => {
      // A hidden page is sent no frames, and nobody sees it.
      if (document.hidden) return;
      const next = assess(store.get(), pulse, performance.now(), expectFrames);
      setHealth((before) =>
        before.level === next.level && before.text === next.text && before.detail === next.detail && before.live === next.live
          ? before
          : next,
      );
    };
    const shown = (): void => {
      pulse.frameAtMs = performance.now();
      look();
    };
    const timer = window.setInterval(look, HEALTH_EVERY_MS);
    const unsubscribe = store.subscribe(look);
    document.addEventListener('visibilitychange', shown);
    return () => {
      window.clearInterval(timer);
      unsubscribe();
      document.removeEventListener('visibilitychange', shown);
    };
  }, [store, pulse]);
  return health;
}

export interface AppProps {
  readonly store: Store;
  readonly pulse: Pulse;
  readonly onReady: (show: (frame: FrameMessage) => void) => void;
  readonly onDone: (frame: FrameMessage) => void;
}

interface Panel {
  readonly name: 'help' | 'source';
}

export function App({ store, pulse, onReady, onDone }: AppProps): JSX.Element {
  const health = useHealth(store, pulse, true);
  useWakeLock(health.live);
  const hello = useSelected(store, (state) => state.hello);
  const [panel, setPanel] = useState<Panel | null>(null);
  const [choice, setChoice] = useState(NO_CHOICE);
  const [still, setStill] = useState<OpenStill | null>(null);
  const [overlay, setOverlay] = useState(true);
  const [evidence, setEvidence] = useState(true);
  const checklistSelect = useRef<HTMLSelectElement>(null);

  const onError = (error: { message: string; remedy: string | null }): void => {
    const { message, remedy } = error;
    store.dispatch({ type: 'message', message: { type: 'error', code: 'request', message, ...(remedy === null ? {} : { remedy }) } });
  };
  const procedure = useProcedure(store, onError);
  const run = (command: Command): void => {
    switch (command) {
      case 'help':
        setPanel({ name: 'help' });
        return;
      case 'source':
        if ((store.get().hello?.source ?? null) === null) return;
        setChoice(NO_CHOICE);
        setPanel((now) => (now?.name === 'source' ? now : { name: 'source' }));
        return;
      case 'checklist':
        checklistSelect.current?.focus();
        return;
      case 'overlay':
        setOverlay((on) => !on);
        return;
      case 'evidence':
        setEvidence((on) => !on);
        return;
      case 'record':
      case 'note':
      case 'pause':
      case 'capture':
        procedure.run(command);
        return;
      case 'full-screen':
        void (document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen());
    }
  };
  const by = (command: Command) => () => {
    run(command);
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const command = takesKeys(event.target) ? null : commandOf(event);
      if (command === null) return;
      event.preventDefault();
      run(command);
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, []);

  // The panel of this moment alone: a source may be told to be open when the next panel is.
  const close = (): void => {
    setPanel((now) => (now === panel ? null : now));
  };
  const label = hello?.source?.label;
  useEffect(() => {
    document.title = label === undefined ? 'Lumenmark' : `${label} – Lumenmark`;
  }, [label]);
  const help = panel?.name === 'help' ? <Help onClose={close} /> : null;

  if (hello !== null && hello.source === null) {
    return (
      <main class="start">
        <div class="start-scroll">
          <div class="start-inner">
            <div class="start-head">
              <Wordmark />
              <Pages current="overlay" />
            </div>
            <h1>Choose what to watch</h1>
            <p class="start-note">
              Landmarks are recognised with <b>{hello.model?.name ?? 'no model'}</b> and the gallery <b>{hello.gallery?.name ?? 'none'}</b>
              {hello.gallery === null ? '' : ` (${hello.gallery.exemplars} exemplars)`}. Everything runs on this machine.
            </p>
            <SourceChoice store={store} choice={choice} onChoice={setChoice} onOpened={close} />
          </div>
        </div>
        <Notices store={store} />
        <StatusBar store={store} brief />
        {help}
      </main>
    );
  }

  return (
    <div class="room" data-level={health.level} data-live={health.live}>
      <header class="top">
        <Wordmark />
        <Pages current="overlay" />
        {hello?.source?.simulated === true ? <span class="simulated">Simulated procedure</span> : null}
        {hello !== null && hello.sources.length > 1 ? (
          <select
            class="source-switch"
            aria-label="Source shown"
            value={hello.source?.id}
            onChange={({ currentTarget }) => {
              const query = new URLSearchParams(location.search);
              query.set('source', currentTarget.value);
              location.search = query.toString();
            }}
          >
            {hello.sources.map(({ id, label: name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        ) : (
          <span class="source-label" title={label}>
            {label}
          </span>
        )}
        <nav class="tools" aria-label="Tools">
          <ChecklistChoice store={store} id="room-checklist" onError={onError} selectRef={checklistSelect} />
          <button type="button" onClick={by('source')}>
            Source <kbd>S</kbd>
          </button>
          <button type="button" aria-pressed={overlay} onClick={by('overlay')}>
            Overlay <kbd>O</kbd>
          </button>
          <button type="button" class="tool-full" onClick={by('full-screen')}>
            Full screen <kbd>F</kbd>
          </button>
          <button type="button" aria-label="Keys and signs" onClick={by('help')}>
            <kbd>?</kbd>
          </button>
        </nav>
      </header>
      <main class="view">
        <Picture
          store={store}
          health={health}
          overlay={overlay}
          captures={procedure.captures}
          onReady={onReady}
          onDone={onDone}
          onChooseSource={by('source')}
        />
        <Notices store={store} />
      </main>
      <aside class="side">
        <Checklist store={store} onStill={setStill} onMark={procedure.mark} />
      </aside>
      <ProcedureBar store={store} run={run} />
      <div class="below">
        <Timeline store={store} />
        {evidence ? <Evidence store={store} /> : null}
      </div>
      <StatusBar store={store} />
      <Announcer store={store} health={health} />
      {help}
      {panel?.name === 'source' ? (
        <Dialog title="Choose what to watch" name="source" onClose={close}>
          <SourceChoice store={store} choice={choice} onChoice={setChoice} onOpened={close} />
          <button
            type="button"
            class="quiet"
            onClick={() => {
              closeSource().then(close, (error: unknown) => {
                if (error instanceof Error) onError({ message: error.message, remedy: null });
              });
            }}
          >
            Close the present source
          </button>
        </Dialog>
      ) : null}
      {procedure.dialogs}
      {still === null ? null : (
        <StillDialog
          still={still}
          onClose={() => {
            setStill(null);
          }}
        />
      )}
    </div>
  );
}
