import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ProcedureReplay, ReplayTrack } from '../../../src/server/procedure-protocol.js';
import type { Health } from '../health.js';
import { readDetections } from '../procedures/api.js';
import { takesKeys } from '../shortcuts.js';
import { createStore } from '../store.js';
import { Checklist } from '../ui/checklist.js';
import { Dialog } from '../ui/dialog.js';
import { Evidence } from '../ui/evidence.js';
import { CornerMarks, LevelIcon, Wordmark } from '../ui/icons.js';
import { reportAddress } from '../photographs/requests.js';
import { KeyList } from '../ui/key-list.js';
import { Pages } from '../ui/pages.js';
import { detectionLine, LandmarkChip } from '../ui/picture.js';
import { StillDialog, type OpenStill } from '../ui/still-dialog.js';
import { exemplarPages } from './exemplar-pages.js';
import { Facts } from './facts.js';
import { Lanes } from './lanes.js';
import { createPlayer, type Player } from './player.js';
import { Reanalysis, useReanalysis } from './reanalysis.js';
import { REPLAY_KEYS, replayCommandOf, speedBeside, type ReplayCommand } from './replay-keys.js';
import { SealState } from './seal-state.js';
import { coverageAt, frameAt, frameIntervalUs, helloOf, momentAfter, momentBefore, moments, trackingAt, verdictsAt } from './track.js';
import { Transport } from './transport.js';

const SKIP_US = 5_000_000;

type Panel = 'help' | 'facts' | 'reanalysis' | null;

export function ReplayRoom({ replay, track }: { replay: ProcedureReplay; track: ReplayTrack }): JSX.Element {
  const { summary, parts, startPtsUs, endPtsUs, gallery } = replay;
  const [store] = useState(() => createStore());
  const hello = useMemo(() => helloOf(replay, 'lumenmark.v1'), [replay]);
  const times = useMemo(() => moments(replay), [replay]);
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<Player | null>(null);
  const [, render] = useState({});
  const [speed, setSpeed] = useState(1);
  const [overlay, setOverlay] = useState(true);
  const [evidence, setEvidence] = useState(true);
  // Annotations of a live procedure came late; those of an import never did.
  const [delayed, setDelayed] = useState(summary.kind === 'recorded');
  const [fault, setFault] = useState<string | null>(null);
  const [panel, setPanel] = useState<Panel>(null);
  const [still, setStill] = useState<OpenStill | null>(null);
  const reanalysis = useReanalysis(summary.id);
  const [ratio, setRatio] = useState(5 / 4);

  const ptsUs = player.current?.ptsUs ?? startPtsUs;
  const frame = frameAt(track, ptsUs, delayed);
  const pages = useMemo(
    () =>
      exemplarPages(
        (from, to) => readDetections(summary.id, from, to),
        () => {
          render({});
        },
      ),
    [summary.id],
  );
  const neighbours = frame < 0 ? [] : pages.of(track.frameId[frame] ?? 0, track.ptsUs[frame] ?? 0);
  const tracking = trackingAt(track, frame, summary.id, neighbours.slice(0, 5));
  const coverage = coverageAt(replay, ptsUs);
  // What is drawn below reads the store, so it must say what holds now before that happens.
  const shown = useRef('');
  const moment = `${frame}/${coverage === null ? '' : replay.coverage.findLastIndex((one) => one.ptsUs <= ptsUs)}/${neighbours.length}`;
  if (shown.current !== moment) {
    shown.current = moment;
    store.dispatch({ type: 'link', link: 'open' });
    store.dispatch({
      type: 'moment',
      moment: { hello, tracking, coverage, verdicts: verdictsAt(track, frame), ptsUs, firstPtsUs: startPtsUs },
    });
  }

  useEffect(() => {
    if (video.current === null) return;
    const created = createPlayer({
      video: video.current,
      replay,
      frameIntervalUs: frameIntervalUs(track),
      onChange: () => {
        render({});
      },
      onFault: setFault,
    });
    player.current = created;
    created.seek(startPtsUs);
    return () => {
      created.dispose();
    };
  }, [replay, track]);

  const seek = (to: number): void => {
    player.current?.seek(to);
  };
  const changeSpeed = (next: number): void => {
    setSpeed(next);
    player.current?.setSpeed(next);
  };
  const run = (command: ReplayCommand): void => {
    const now = player.current?.ptsUs ?? 0;
    switch (command) {
      case 'play':
        player.current?.setPlaying(!player.current.playing);
        return;
      case 'next':
        seek(momentAfter(times, now) ?? endPtsUs);
        return;
      case 'previous':
        seek(momentBefore(times, now) ?? startPtsUs);
        return;
      case 'forward':
        seek(now + SKIP_US);
        return;
      case 'back':
        seek(now - SKIP_US);
        return;
      case 'frame-forward':
        player.current?.step(1);
        return;
      case 'frame-back':
        player.current?.step(-1);
        return;
      case 'faster':
        changeSpeed(speedBeside(speed, 1));
        return;
      case 'slower':
        changeSpeed(speedBeside(speed, -1));
        return;
      case 'start':
        seek(startPtsUs);
        return;
      case 'end':
        seek(endPtsUs);
        return;
      case 'overlay':
        setOverlay((on) => !on);
        return;
      case 'evidence':
        setEvidence((on) => !on);
        return;
      case 'delay':
        setDelayed((on) => !on);
        return;
      case 'help':
        setPanel('help');
    }
  };
  const runNow = useRef(run);
  runNow.current = run;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const command = takesKeys(event.target) ? null : replayCommandOf(event);
      if (command === null) return;
      event.preventDefault();
      runNow.current(command);
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, []);

  const health: Health = {
    level: tracking === null || tracking.landmark === null ? 'ready' : 'active',
    text: '',
    detail: null,
    live: true,
  };
  const detection =
    tracking === null
      ? null
      : {
          frameId: tracking.frameId,
          ptsUs: tracking.ptsUs,
          carried: tracking.ptsUs !== ptsUs,
          label: tracking.frameLabel,
          score: tracking.frameScore,
          known: tracking.known,
          quality: tracking.quality,
        };
  const close = (): void => {
    setPanel(null);
  };
  const hasVideo = parts.length > 0;
  return (
    <div class="room replay-room" data-level={health.level} data-live="true">
      <header class="top">
        <Wordmark />
        <Pages current={null} />
        {summary.simulated ? <span class="simulated">Simulated procedure</span> : null}
        <span class="source-label" title={summary.id}>
          <b>{summary.label ?? summary.source}</b> {new Date(summary.startedAt).toLocaleString()} · {KIND_WORDS[summary.kind]}
          {summary.state === 'open' ? ' · still open' : ''}
          {summary.state === 'interrupted' ? ' · interrupted' : ''}
        </span>
        <nav class="tools" aria-label="Tools">
          <SealState id={summary.id} headHash={replay.headHash} problem={replay.problem} />
          <a class="button" href={reportAddress(summary.id, 'report.html')} target="_blank" rel="noreferrer">
            Report
          </a>
          <button
            type="button"
            onClick={() => {
              setPanel('reanalysis');
            }}
          >
            Analyse again
          </button>
          <button
            type="button"
            onClick={() => {
              setPanel('facts');
            }}
          >
            Facts
          </button>
          <button
            type="button"
            aria-pressed={overlay}
            onClick={() => {
              run('overlay');
            }}
          >
            Overlay <kbd>O</kbd>
          </button>
          <button
            type="button"
            aria-label="Keys"
            onClick={() => {
              run('help');
            }}
          >
            <kbd>?</kbd>
          </button>
        </nav>
      </header>
      <main class="view">
        <div class="stage">
          <div
            class="picture"
            data-level={health.level}
            data-live="true"
            data-frame-id={tracking?.frameId ?? ''}
            data-pts-us={ptsUs}
            style={{ '--ratio': ratio.toFixed(4) }}
          >
            <video
              ref={video}
              muted
              playsInline
              preload="auto"
              hidden={!hasVideo}
              aria-label="Recording"
              onLoadedMetadata={({ currentTarget }) => {
                setFault(null);
                if (currentTarget.videoHeight > 0) setRatio(currentTarget.videoWidth / currentTarget.videoHeight);
              }}
              onClick={() => {
                run('play');
              }}
            />
            {overlay && hasVideo ? <CornerMarks /> : null}
            <div class="indicator" data-level={overlay ? health.level : 'off'}>
              <LevelIcon level={health.level} overlay={overlay} />
            </div>
            {fault !== null || !hasVideo ? (
              <div class="trouble" data-level="waiting" role="status">
                <strong>{hasVideo ? 'The recording cannot be shown' : NO_VIDEO[summary.kind]}</strong>
                <span>{hasVideo ? fault : 'What was found can still be looked at on the timeline.'}</span>
              </div>
            ) : null}
            {overlay ? <LandmarkChip store={store} health={health} /> : null}
            {overlay ? <span class="detection-line">{detectionLine(store, { frame: { ptsUs, detection } })}</span> : null}
          </div>
        </div>
      </main>
      <aside class="side">
        <Checklist store={store} onStill={setStill} onMark={null} />
      </aside>
      <div class="below replay-below">
        <div class="replay-controls">
          <Transport
            ptsUs={ptsUs}
            startPtsUs={startPtsUs}
            endPtsUs={endPtsUs}
            playing={player.current?.playing ?? false}
            speed={speed}
            delayed={summary.kind === 'recorded' ? delayed : null}
            run={run}
            onSpeed={changeSpeed}
          />
          {evidence ? <Evidence store={store} pictures={gallery.loaded} /> : null}
        </div>
        <Lanes
          replay={replay}
          track={track}
          hello={hello}
          coverage={coverage}
          ptsUs={ptsUs}
          compared={reanalysis.status?.result?.sightings ?? null}
          onSeek={seek}
        />
      </div>
      {panel === 'help' ? (
        <Dialog title="Keys" name="help" onClose={close}>
          <KeyList keys={REPLAY_KEYS} />
        </Dialog>
      ) : null}
      {panel === 'facts' ? (
        <Dialog title="Facts" name="facts" onClose={close}>
          <Facts replay={replay} />
        </Dialog>
      ) : null}
      {panel === 'reanalysis' ? (
        <Dialog title="Analyse again" name="reanalysis" onClose={close}>
          <Reanalysis reanalysis={reanalysis} replay={replay} hello={hello} />
        </Dialog>
      ) : null}
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

const KIND_WORDS = { recorded: 'recorded', imported: 'audited video', photographs: 'photographs' } as const;
const NO_VIDEO = { recorded: 'No video was recorded', imported: 'No recording was kept', photographs: 'A set of photographs' } as const;
