import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PhotographsAnswer } from '../../../src/server/photograph-protocol.js';
import { Wordmark } from '../ui/icons.js';
import { Pages } from '../ui/pages.js';
import { Card } from './card.js';
import { Correction } from './correction.js';
import { GROUPS, groupOf, inGroup, type GroupId } from './groups.js';
import { loadPhotographs, reportAddress } from './requests.js';
import { Sites } from './sites.js';
import { timeText } from './words.js';

/** Cards drawn at once; thousands of pictures at a time serve nobody. */
const PAGE = 120;

/** The photographs of one procedure, to be looked at and corrected. */
export function PhotographsPage({ id }: { id: string }): JSX.Element {
  const [answer, setAnswer] = useState<PhotographsAnswer | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [group, setGroup] = useState<GroupId>('all');
  const [shown, setShown] = useState(PAGE);
  const [opened, setOpened] = useState<number | null>(null);

  useEffect(() => {
    loadPhotographs(id).then(
      (loaded) => {
        setAnswer(loaded);
        if (loaded.photographs.some((photograph) => groupOf(photograph) === 'check')) setGroup('check');
        document.title = `${loaded.label ?? loaded.source} – photographs – Lumenmark`;
      },
      (error: unknown) => {
        setFault(error instanceof Error ? error.message : String(error));
      },
    );
  }, [id]);

  if (answer === null) {
    return (
      <main class="page-wait">
        <Wordmark />
        <p role={fault === null ? 'status' : 'alert'}>{fault ?? 'Loading the photographs …'}</p>
      </main>
    );
  }
  const visible = inGroup(answer.photographs, group);
  const byIndex = new Map(answer.photographs.map((photograph) => [photograph.index, photograph]));
  const open = opened === null ? undefined : byIndex.get(opened);
  const neighbourOf = (step: number): number | null => {
    const at = visible.findIndex(({ index }) => index === opened);
    return visible[at + step]?.index ?? null;
  };
  const { completeness } = answer;
  return (
    <div class="photographs">
      <header class="page-head">
        <Wordmark />
        <Pages current={null} />
        <div class="page-title">
          <h1>{answer.label ?? answer.source}</h1>
          <p>
            {`Audit of photographs · ${timeText(answer.startedAt)} UTC · ${answer.photographs.length} photographs`}
            {answer.unreadable === 0 ? '' : `, ${answer.unreadable} unreadable file${answer.unreadable === 1 ? '' : 's'}`}
          </p>
        </div>
        <nav class="tools" aria-label="Report">
          <a class="button" href={reportAddress(answer.id, 'report.html')} target="_blank" rel="noreferrer">
            Report
          </a>
          <a class="button" href={reportAddress(answer.id, 'report.csv')}>
            CSV
          </a>
        </nav>
      </header>
      <aside class="page-side" aria-label="Checklist">
        <p class="page-count">
          <b>{completeness.documented}</b> of {completeness.required} documented
        </p>
        <p class="page-note">{answer.checklist}</p>
        <Sites answer={answer} onOpen={setOpened} />
      </aside>
      <main class="page-main">
        <div class="groups" role="group" aria-label="Which photographs">
          {GROUPS.map(({ id: name, title }) => {
            const count = inGroup(answer.photographs, name).length;
            return count === 0 ? null : (
              <button
                key={name}
                type="button"
                aria-pressed={group === name}
                data-group={name}
                onClick={() => {
                  setGroup(name);
                  setShown(PAGE);
                }}
              >
                {title} <span class="count">{count}</span>
              </button>
            );
          })}
        </div>
        {visible.length === 0 ? <p class="page-note">None is left here.</p> : null}
        <ul class="cards">
          {visible.slice(0, shown).map((photograph) => (
            <Card key={photograph.index} photograph={photograph} answer={answer} onOpen={setOpened} />
          ))}
        </ul>
        {visible.length > shown ? (
          <button
            type="button"
            onClick={() => {
              setShown(shown + PAGE);
            }}
          >
            Show more ({visible.length - shown})
          </button>
        ) : null}
        <p class="page-note page-foot">
          Research use only. Corrections are added to the journal of the procedure and sealed; what the machine said stays. Head hash{' '}
          <code>{answer.headHash ?? 'none'}</code>
        </p>
      </main>
      {open === undefined ? null : (
        <Correction
          key={open.index}
          photograph={open}
          answer={answer}
          previous={neighbourOf(-1)}
          next={neighbourOf(1)}
          onOpen={setOpened}
          onCorrected={setAnswer}
          onClose={() => {
            setOpened(null);
          }}
        />
      )}
    </div>
  );
}
