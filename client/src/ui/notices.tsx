import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSelected, type Store } from '../store.js';
import type { Notice } from '../view-state.js';
import { stillPath } from './checklist.js';
import { SiteIcon, WarningIcon } from './icons.js';

const SHOWN_MS = { documented: 5000, kept: 2500, error: 15_000 } as const;

function NoticeCard({ store, notice }: { store: Store; notice: Notice }): JSX.Element {
  useEffect(() => {
    const timer = window.setTimeout(() => {
      store.dispatch({ type: 'dismiss', id: notice.id });
    }, SHOWN_MS[notice.kind]);
    return () => {
      window.clearTimeout(timer);
    };
  }, [notice.id]);
  return (
    <div class="notice" data-kind={notice.kind} role={notice.kind === 'error' ? 'alert' : undefined}>
      {notice.kind === 'error' ? <WarningIcon /> : <SiteIcon state="documented" />}
      <span class="notice-text">
        <strong>{notice.text}</strong>
        <span>{notice.kind === 'documented' ? 'documented' : notice.detail}</span>
      </span>
      {notice.still === undefined ? null : <img src={stillPath(notice.still)} alt="" />}
    </div>
  );
}

export function Notices({ store }: { store: Store }): JSX.Element {
  const notices = useSelected(store, (state) => state.notices);
  return (
    <div class="notices">
      {notices.map((notice) => (
        <NoticeCard key={notice.id} store={store} notice={notice} />
      ))}
    </div>
  );
}
