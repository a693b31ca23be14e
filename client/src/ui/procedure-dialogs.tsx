import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ChecklistSummary, CoverageSite, SiteState } from '../../../src/server/protocol.js';
import { addNote, beginProcedure, endProcedure, setSite } from '../procedure-api.js';
import { clock, SITE_WORDS } from '../words.js';
import { Dialog } from './dialog.js';

interface FormDialogProps {
  readonly title: string;
  readonly name: string;
  readonly action: string;
  /** What is asked of the server; the dialog closes when it has answered, and stays when it has refused. */
  readonly onSubmit: () => Promise<void>;
  readonly onClose: () => void;
  /** Nothing has to be typed: Enter answers at once. */
  readonly isPlain?: boolean;
  readonly children: ComponentChildren;
}

/** A question with one answer that Enter gives. */
function FormDialog({ title, name, action, onSubmit, onClose, isPlain = false, children }: FormDialogProps): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await onSubmit();
      onClose();
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} name={name} onClose={onClose}>
      <form class="form" onSubmit={(event) => void submit(event)}>
        {children}
        {fault === null ? null : (
          <p class="form-fault" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="primary" autofocus={isPlain} disabled={busy}>
          {action} <kbd>Enter</kbd>
        </button>
      </form>
    </Dialog>
  );
}

const OPERATOR_KEY = 'lumenmark-operator';

export function BeginDialog({ sourceId, onClose }: { sourceId: string; onClose: () => void }): JSX.Element {
  const [label, setLabel] = useState('');
  const [operator, setOperator] = useState(() => localStorage.getItem(OPERATOR_KEY) ?? '');
  const begin = async (): Promise<void> => {
    localStorage.setItem(OPERATOR_KEY, operator.trim());
    await beginProcedure({ sourceId, label: label.trim(), operator: operator.trim() });
  };
  return (
    <FormDialog title="Begin a procedure" name="form" action="Record" onSubmit={begin} onClose={onClose}>
      <label>
        <span>Label</span>
        <input
          autofocus
          value={label}
          maxLength={500}
          placeholder="to find it by; may stay empty"
          onInput={({ currentTarget }) => {
            setLabel(currentTarget.value);
          }}
        />
      </label>
      <label>
        <span>Examiner</span>
        <input
          value={operator}
          maxLength={200}
          placeholder="as the server was started with"
          onInput={({ currentTarget }) => {
            setOperator(currentTarget.value);
          }}
        />
      </label>
      <p class="form-note">The label stays on this machine. Coverage and timers begin anew.</p>
    </FormDialog>
  );
}

export function EndDialog({ id, totalMs, onClose }: { id: string; totalMs: number; onClose: () => void }): JSX.Element {
  return (
    <FormDialog title="End the procedure?" name="form" action="End it" isPlain onSubmit={() => endProcedure(id)} onClose={onClose}>
      <p class="form-note">It has run for {clock(totalMs * 1000)}. It is closed and sealed; Esc goes on.</p>
    </FormDialog>
  );
}

export function NoteDialog({ id, onClose }: { id: string; onClose: () => void }): JSX.Element {
  const [text, setText] = useState('');
  return (
    <FormDialog title="Note" name="form" action="Keep" onSubmit={() => addNote(id, text)} onClose={onClose}>
      <label>
        <span>What is to be remembered of this moment</span>
        <input
          autofocus
          required
          value={text}
          maxLength={4000}
          onInput={({ currentTarget }) => {
            setText(currentTarget.value);
          }}
        />
      </label>
    </FormDialog>
  );
}

type ByHand = Exclude<SiteState, 'unsupported'> | null;
const CHOICES: readonly { readonly state: ByHand; readonly words: string }[] = [
  { state: 'documented', words: SITE_WORDS.documented },
  { state: 'seen', words: 'seen' },
  { state: 'unseen', words: SITE_WORDS.unseen },
  { state: null, words: 'as the tracker finds' },
];

export interface MarkedSite {
  readonly site: ChecklistSummary['sites'][number];
  readonly coverage: CoverageSite;
}

export function SiteDialog({ id, marked, onClose }: { id: string; marked: MarkedSite; onClose: () => void }): JSX.Element {
  const { site, coverage } = marked;
  const [state, setState] = useState<ByHand>(coverage.byHand === null ? 'documented' : null);
  const [reason, setReason] = useState('');
  return (
    <FormDialog title={site.name} name="form" action="Set" onSubmit={() => setSite(id, site.id, state, reason)} onClose={onClose}>
      <fieldset>
        <legend>State by hand</legend>
        {CHOICES.map(({ state: choice, words }) => (
          <label key={words} class="choice">
            <input
              type="radio"
              name="state"
              checked={choice === state}
              onChange={() => {
                setState(choice);
              }}
            />
            {words}
          </label>
        ))}
      </fieldset>
      <label>
        <span>Reason</span>
        <input
          autofocus
          required
          value={reason}
          maxLength={1000}
          onInput={({ currentTarget }) => {
            setReason(currentTarget.value);
          }}
        />
      </label>
      <p class="form-note">
        {coverage.byHand === null
          ? 'What the tracker found stays in the journal beside it.'
          : `Set by ${coverage.byHand.by}: ${coverage.byHand.reason}`}
      </p>
    </FormDialog>
  );
}
