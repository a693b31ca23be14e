import type { JSX } from 'preact';
import type { ProcedureMessage } from '../../../src/server/protocol.js';
import type { Command } from '../shortcuts.js';
import { useSelected, type Store } from '../store.js';
import { bytes, clock } from '../words.js';

function Timer({ name, ms, large = false }: { name: string; ms: number; large?: boolean }): JSX.Element {
  return (
    <div class="timer" data-large={large}>
      <dt>{name}</dt>
      <dd>{clock(ms * 1000)}</dd>
    </div>
  );
}

/** What is wrong, or about to be; null when nothing is. */
function warning({ state, trouble, disk, video }: ProcedureMessage): { text: string; level: 'warn' | 'fault' } | null {
  if (trouble !== null) return { text: trouble, level: 'fault' };
  if (state !== 'open') return null;
  if (disk?.state === 'low') {
    const lasts = disk.lastsMs === null ? bytes(disk.freeBytes) : `about ${Math.max(1, Math.round(disk.lastsMs / 60_000))} min`;
    return { text: `Disk low: room for ${lasts}`, level: 'warn' };
  }
  return video === 'none' ? { text: 'This source cannot be recorded: everything but the video is kept', level: 'warn' } : null;
}

const VIDEO_WORDS = { none: 'No video', waiting: 'Waiting for the video', running: 'Recording', stopped: 'Video stopped' } as const;

function stateWord({ state, video, paused }: ProcedureMessage): string {
  switch (state) {
    case 'none':
      return 'Not recording';
    case 'open':
      return paused ? 'Intervention' : VIDEO_WORDS[video];
    case 'closing':
      return 'Closing …';
    case 'closed':
      return 'Procedure kept';
    case 'failed':
      return 'Not closed';
  }
}

/** The procedure under the picture: what is being kept, for how long, and what can be done; to be read from two metres. */
export function ProcedureBar({ store, run }: { store: Store; run: (command: Command) => void }): JSX.Element | null {
  const procedure = useSelected(store, (state) => state.procedure);
  if (procedure === null) return null;
  const { state, totalMs, inspectionMs, withdrawalMs, paused, captures, recordedBytes, headHash, label, video } = procedure;
  const isOpen = state === 'open';
  const warns = warning(procedure);
  const by = (command: Command) => () => {
    run(command);
  };
  return (
    <section
      class="procedure-bar"
      aria-label="Procedure"
      data-state={state}
      data-video={video}
      data-paused={isOpen && paused}
      data-level={warns?.level}
    >
      <span class="procedure-light" aria-hidden="true" />
      <strong class="procedure-word" role="status">
        {stateWord(procedure)}
      </strong>
      {state === 'none' ? null : (
        <dl class="timers">
          <Timer name="Total" ms={totalMs} large />
          {inspectionMs === null ? null : <Timer name="Inspection" ms={inspectionMs} />}
          {withdrawalMs === null ? null : <Timer name={paused ? 'Withdrawal, standing' : 'Withdrawal'} ms={withdrawalMs} />}
        </dl>
      )}
      {warns === null ? (
        <span class="procedure-facts">
          {isOpen ? `${label ?? 'no label'} · ${captures} captured · ${bytes(recordedBytes)}` : null}
          {state === 'closed' && headHash !== null ? (
            <span title={headHash}>
              {label === null ? '' : `${label} · `}seal {headHash.slice(0, 12)}
            </span>
          ) : null}
        </span>
      ) : (
        <span class="procedure-warning" data-level={warns.level} role="alert">
          {warns.text}
        </span>
      )}
      <div class="procedure-actions">
        {isOpen ? (
          <>
            <button type="button" class="capture" onClick={by('capture')}>
              Capture <kbd>Space</kbd>
            </button>
            <button type="button" aria-pressed={paused} onClick={by('pause')}>
              Intervention <kbd>I</kbd>
            </button>
            <button type="button" onClick={by('note')}>
              Note <kbd>N</kbd>
            </button>
          </>
        ) : null}
        <button type="button" class={isOpen ? '' : 'primary'} disabled={state === 'closing'} onClick={by('record')}>
          {isOpen ? 'End' : 'Record'} <kbd>R</kbd>
        </button>
      </div>
    </section>
  );
}
