import type { JSX, RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ChecklistSummary } from '../../../src/server/protocol.js';
import { ApiError, listChecklists, setChecklist } from '../api.js';
import { useSelected, type Store } from '../store.js';

interface ChecklistChoiceProps {
  readonly store: Store;
  readonly id: string;
  readonly onError: (error: ApiError) => void;
  readonly selectRef?: RefObject<HTMLSelectElement>;
}

export function ChecklistChoice({ store, id, onError, selectRef }: ChecklistChoiceProps): JSX.Element | null {
  const current = useSelected(store, (state) => state.hello?.checklist ?? null);
  const [lists, setLists] = useState<ChecklistSummary[]>([]);
  useEffect(() => {
    listChecklists().then(setLists, (error: unknown) => {
      if (error instanceof ApiError) onError(error);
    });
  }, []);
  if (lists.length === 0) return null;
  return (
    <select
      id={id}
      {...(selectRef === undefined ? {} : { ref: selectRef })}
      aria-label="Checklist"
      value={current?.id ?? ''}
      onChange={({ currentTarget }) => {
        setChecklist(currentTarget.value).catch((error: unknown) => {
          if (error instanceof ApiError) onError(error);
        });
      }}
    >
      {current === null ? <option value="">No checklist</option> : null}
      {lists.map((list) => (
        <option key={list.id} value={list.id}>
          {list.name}
        </option>
      ))}
    </select>
  );
}
