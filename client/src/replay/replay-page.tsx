import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ProcedureReplay, ReplayTrack } from '../../../src/server/procedure-protocol.js';
import { ApiError } from '../api.js';
import { readReplay, readTrack } from '../procedures/api.js';
import { Wordmark } from '../ui/icons.js';
import { Pages } from '../ui/pages.js';
import { ReplayRoom } from './replay-room.js';

type Loaded =
  | { readonly type: 'loading' }
  | { readonly type: 'loaded'; readonly replay: ProcedureReplay; readonly track: ReplayTrack }
  | { readonly type: 'failed'; readonly message: string; readonly remedy: string | null };

/** One kept procedure, as it was shown. */
export function ReplayPage({ id }: { id: string }): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded>({ type: 'loading' });
  useEffect(() => {
    Promise.all([readReplay(id), readTrack(id)]).then(
      ([replay, track]) => {
        document.title = `${replay.summary.label ?? replay.summary.id} – Lumenmark`;
        setLoaded({ type: 'loaded', replay, track });
      },
      (error: unknown) => {
        const remedy = error instanceof ApiError ? error.remedy : null;
        setLoaded({ type: 'failed', message: error instanceof Error ? error.message : String(error), remedy });
      },
    );
  }, [id]);
  if (loaded.type === 'loaded') return <ReplayRoom replay={loaded.replay} track={loaded.track} />;
  return (
    <div class="shell">
      <header class="top">
        <Wordmark />
        <Pages current={null} />
      </header>
      <main class="shell-note">
        {loaded.type === 'loading' ? (
          <p role="status">Reading the procedure …</p>
        ) : (
          <div role="alert">
            <h1>{loaded.message}</h1>
            <p>{loaded.remedy}</p>
            <a href="./procedures">All procedures</a>
          </div>
        )}
      </main>
    </div>
  );
}
