import type { JSX } from 'preact';
import type { AuditedPhotograph, PhotographsAnswer } from '../../../src/server/photograph-protocol.js';
import { groupOf } from './groups.js';
import { machineWords, nameOf, verdictWords } from './words.js';

interface CardProps {
  readonly photograph: AuditedPhotograph;
  readonly answer: PhotographsAnswer;
  readonly onOpen: (index: number) => void;
}

export function Card({ photograph, answer, onOpen }: CardProps): JSX.Element {
  const { index, name, picture, correction, landmark, repeats } = photograph;
  const { names } = answer;
  const detail =
    correction !== null
      ? `${correction.landmark === landmark ? 'confirmed' : `corrected from ${nameOf(names, landmark)}`} by ${correction.by}`
      : repeats !== null
        ? `repeats ${answer.photographs.find((one) => one.index === repeats)?.name ?? ''}`
        : machineWords(photograph, names);
  return (
    <li class="card" data-group={groupOf(photograph)} data-index={index}>
      <button
        type="button"
        onClick={() => {
          onOpen(index);
        }}
      >
        <img src={`.${picture}`} alt="" loading="lazy" decoding="async" />
        <span class="card-title">{verdictWords(photograph, names)}</span>
        <span class="card-detail">{detail}</span>
        <span class="card-name">{name}</span>
      </button>
    </li>
  );
}
