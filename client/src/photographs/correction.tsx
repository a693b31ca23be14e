import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AuditedPhotograph, PhotographsAnswer } from '../../../src/server/photograph-protocol.js';
import { Dialog } from '../ui/dialog.js';
import { assignPhotograph } from './requests.js';
import { machineWords, nameOf, percent, timeText } from './words.js';

interface CorrectionProps {
  readonly photograph: AuditedPhotograph;
  readonly answer: PhotographsAnswer;
  readonly previous: number | null;
  readonly next: number | null;
  readonly onOpen: (index: number | null) => void;
  readonly onCorrected: (answer: PhotographsAnswer) => void;
  readonly onClose: () => void;
}

/** In the browser alone, so that a name need not be typed for every photograph. */
const NAME_KEY = 'lumenmark-auditor';
const NONE = '';

/** One photograph with its evidence, and what a person says of it. */
export function Correction({ photograph, answer, previous, next, onOpen, onCorrected, onClose }: CorrectionProps): JSX.Element {
  const { names } = answer;
  const { landmark, counts, correction, nearest, precision, outcome, name } = photograph;
  const guess = outcome === 'assigned' || outcome === 'doubtful' ? landmark : null;
  const [choice, setChoice] = useState(correction === null ? (landmark ?? NONE) : (counts ?? NONE));
  const [reason, setReason] = useState('');
  const [by, setBy] = useState(() => localStorage.getItem(NAME_KEY) ?? '');
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
      if (event.key === 'ArrowLeft' && previous !== null) onOpen(previous);
      if (event.key === 'ArrowRight' && next !== null) onOpen(next);
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, [previous, next]);

  const say = (to: string | null, why: string): void => {
    if (by.trim() === '' || why.trim() === '') {
      setFault(by.trim() === '' ? 'Say who you are: it is kept with the correction.' : 'Say why: it is kept with the correction.');
      return;
    }
    localStorage.setItem(NAME_KEY, by.trim());
    setBusy(true);
    setFault(null);
    assignPhotograph(answer.id, { file: photograph.file, landmark: to, reason: why.trim(), by: by.trim() }).then(
      (corrected) => {
        onCorrected(corrected);
        onOpen(next);
      },
      (error: unknown) => {
        setBusy(false);
        setFault(error instanceof Error ? error.message : String(error));
      },
    );
  };

  const present = correction === null ? guess : counts;
  return (
    <Dialog title={name} name="photograph" onClose={onClose}>
      <div class="correction">
        <figure class="correction-picture">
          <img src={`.${photograph.picture}`} alt={name} />
          <figcaption>
            <button
              type="button"
              disabled={previous === null}
              onClick={() => {
                onOpen(previous);
              }}
            >
              <kbd>←</kbd> Previous
            </button>
            <button
              type="button"
              disabled={next === null}
              onClick={() => {
                onOpen(next);
              }}
            >
              Next <kbd>→</kbd>
            </button>
          </figcaption>
        </figure>
        <div class="correction-side">
          <dl class="correction-facts">
            <dt>Machine</dt>
            <dd>{machineWords(photograph, names)}</dd>
            {precision === null || guess === null ? null : (
              <>
                <dt>Precision</dt>
                <dd>{`${percent(precision)} of the gallery’s own pictures that are at least as near got the right label`}</dd>
              </>
            )}
            {correction === null ? null : (
              <>
                <dt>By hand</dt>
                <dd>
                  {nameOf(names, correction.landmark)}
                  {` – ${correction.reason} (${correction.by}, ${timeText(correction.at)} UTC)`}
                </dd>
              </>
            )}
          </dl>
          <h3>Most similar exemplars</h3>
          <ul class="exemplars">
            {nearest.map(({ label, similarity, picture }, rank) => (
              <li key={rank}>
                {picture === null ? null : <img src={`.${picture}`} alt="" />}
                <span>{nameOf(names, label)}</span>
                <span class="similarity">{similarity.toFixed(2)}</span>
              </li>
            ))}
          </ul>
          {answer.closed ? (
            <form
              class="correction-form"
              onSubmit={(event) => {
                event.preventDefault();
                say(choice === NONE ? null : choice, reason);
              }}
            >
              <h3>What it shows</h3>
              <label>
                Landmark
                <select
                  value={choice}
                  onChange={({ currentTarget }) => {
                    setChoice(currentTarget.value);
                  }}
                >
                  <option value={NONE}>No landmark</option>
                  <Choices answer={answer} choice={choice} />
                </select>
              </label>
              <label>
                Reason
                <input
                  value={reason}
                  placeholder="e.g. pylorus in view"
                  maxLength={1000}
                  onInput={({ currentTarget }) => {
                    setReason(currentTarget.value);
                  }}
                />
              </label>
              <label>
                Your name
                <input
                  value={by}
                  maxLength={200}
                  autocomplete="name"
                  onInput={({ currentTarget }) => {
                    setBy(currentTarget.value);
                  }}
                />
              </label>
              {fault === null ? null : (
                <p class="correction-fault" role="alert">
                  {fault}
                </p>
              )}
              <div class="correction-buttons">
                {present === null ? null : (
                  <button
                    type="button"
                    class="primary"
                    disabled={busy}
                    onClick={() => {
                      say(present, reason === '' ? 'confirmed by eye' : reason);
                    }}
                  >
                    Confirm {nameOf(names, present)}
                  </button>
                )}
                <button type="submit" disabled={busy || (choice === NONE ? null : choice) === present}>
                  {(choice === NONE ? null : choice) === present
                    ? 'Choose another to change it'
                    : `Change to ${choice === NONE ? 'no landmark' : nameOf(names, choice)}`}
                </button>
              </div>
            </form>
          ) : (
            <p class="page-note">This procedure is not closed; it can be corrected when it is.</p>
          )}
        </div>
      </div>
    </Dialog>
  );
}

/** Sites first, as an auditor thinks of them; then the landmarks of the gallery that are of no site. */
function Choices({ answer, choice }: { answer: PhotographsAnswer; choice: string }): JSX.Element {
  const { sites, landmarks, names } = answer;
  const ofSite = sites.map(({ id, name, landmarks: serving }) => ({
    id,
    name,
    value: serving.includes(choice) ? choice : (serving.find((label) => landmarks.includes(label)) ?? serving[0] ?? ''),
  }));
  const served = new Set(sites.flatMap((site) => site.landmarks));
  const others = landmarks.filter((label) => !served.has(label));
  return (
    <>
      <optgroup label="Sites of the checklist">
        {ofSite.map(({ id, name, value }) => (
          <option key={id} value={value}>
            {name}
          </option>
        ))}
      </optgroup>
      {others.length === 0 ? null : (
        <optgroup label="Other landmarks">
          {others.map((label) => (
            <option key={label} value={label}>
              {nameOf(names, label)}
            </option>
          ))}
        </optgroup>
      )}
    </>
  );
}
