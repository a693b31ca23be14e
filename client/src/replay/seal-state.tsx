import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ProcedureVerification } from '../../../src/server/procedure-protocol.js';
import { verify } from '../procedures/api.js';
import { Dialog } from '../ui/dialog.js';
import { Icon } from '../ui/icons.js';

const WORDS = {
  intact: 'Intact',
  unfinished: 'Not sealed',
  altered: 'Altered',
} as const;

/** Whether the folder is as it was sealed. Hashing an hour of video takes a while, so it is asked for beside everything else. */
export function SealState({ id, headHash, problem }: { id: string; headHash: string | null; problem: string | null }): JSX.Element {
  const [found, setFound] = useState<ProcedureVerification | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    verify(id).then(setFound, (error: unknown) => {
      setFault(error instanceof Error ? error.message : String(error));
    });
  }, [id]);
  const state = fault !== null ? 'fault' : (found?.verdict ?? 'checking');
  const words = fault !== null ? 'Cannot be verified' : found === null ? 'Verifying …' : WORDS[found.verdict];
  return (
    <>
      <button
        type="button"
        class="seal-state"
        data-state={state}
        title="Whether anything was altered since the procedure was closed"
        onClick={() => {
          setOpen(true);
        }}
      >
        <Icon>
          <path d="M12 2.5 20 6v6c0 5-3.4 8.3-8 9.5C7.4 20.3 4 17 4 12V6z" />
          {state === 'intact' ? <path d="m8.3 12 2.6 2.7 4.9-5.4" /> : state === 'altered' ? <path d="m9 9 6 6M15 9l-6 6" /> : null}
        </Icon>
        <span role="status">{words}</span>
      </button>
      {open ? (
        <Dialog
          title="Is it as it was sealed?"
          name="seal"
          onClose={() => {
            setOpen(false);
          }}
        >
          <div class="seal-findings">
            {found === null ? <p>{fault ?? 'Every file is being read and compared with the journal …'}</p> : <Found found={found} />}
            {problem === null ? null : <p class="seal-bad">{problem}</p>}
            <p>
              Head hash <code>{headHash ?? 'none: the procedure was not closed'}</code>
            </p>
            <p class="seal-note">
              The seal shows that nothing was changed after the procedure was closed, by whoever does not have the key of the installation.
              Compare the head hash with one that was kept elsewhere to rule that out too.
            </p>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}

function Found({ found }: { found: ProcedureVerification }): JSX.Element {
  const owner = {
    expected: 'the expected key',
    own: 'the key of this installation',
    unknown: 'a key that this installation does not know',
  };
  return (
    <>
      <p>
        <b data-verdict={found.verdict}>{WORDS[found.verdict]}.</b> {found.lines} lines of the journal and {found.files} files were compared
        {found.key === null ? '; no seal was found.' : `; sealed with ${owner[found.key]}.`}
      </p>
      {found.findings.length === 0 ? null : (
        <ul>
          {found.findings.map((finding, position) => (
            <li key={position}>{finding}</li>
          ))}
        </ul>
      )}
    </>
  );
}
