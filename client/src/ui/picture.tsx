import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FrameMessage } from '../../../src/server/protocol.js';
import type { Health } from '../health.js';
import { createStage, type DrawnFrame, type Stage } from '../stage.js';
import { useSelected, type Store } from '../store.js';
import { landmarkName, percent, qualityHint, QUALITY_HINTS } from '../words.js';
import { CornerMarks, LevelIcon } from './icons.js';

export interface PictureProps {
  readonly store: Store;
  readonly health: Health;
  readonly overlay: boolean;
  /** Counts captures: the picture flashes when it changes. */
  readonly captures: number;
  /** Hands over where frames are to be shown. */
  readonly onReady: (show: (frame: FrameMessage) => void) => void;
  readonly onDone: (frame: FrameMessage) => void;
  readonly onChooseSource: () => void;
}

/** Line about the detection of the drawn frame alone, and how old it is where it belongs to an earlier frame. */
export function detectionLine(store: Store, { frame }: { readonly frame: Pick<DrawnFrame['frame'], 'ptsUs' | 'detection'> }): string {
  const { detection } = frame;
  if (detection === null) return 'not analysed yet';
  const when = detection.carried ? `${Math.round((frame.ptsUs - detection.ptsUs) / 1000)} ms ago` : 'this frame';
  if (detection.quality !== 'good') return `${when}: ${QUALITY_HINTS[detection.quality]}`;
  if (detection.label === null) return `${when}: unknown`;
  const { hello, tracking } = store.get();
  const name = detection.label === tracking?.landmark ? '' : ` ${landmarkName(hello, detection.label)}`;
  return `${when}:${name} ${percent(detection.score)}`;
}

export function LandmarkChip({ store, health }: { store: Store; health: Health }): JSX.Element | null {
  const tracking = useSelected(store, (state) => state.tracking);
  const verdict = useSelected(store, (state) => qualityHint(state.verdicts));
  const hello = useSelected(store, (state) => state.hello);
  const live = health.level === 'ready' || health.level === 'active';
  if (!live || tracking === null) return null;
  const { landmark, score } = tracking;
  return (
    <div class="chip" data-landmark={landmark ?? ''}>
      {landmark === null ? (
        <span class="chip-nothing">No landmark</span>
      ) : (
        <>
          <span class="chip-name">{landmarkName(hello, landmark)}</span>
          <span class="chip-score">
            <span class="chip-percent">{percent(score)}</span>
            <span class="meter" aria-hidden="true">
              <span class="meter-fill" style={{ transform: `scaleX(${score.toFixed(3)})` }} />
            </span>
          </span>
        </>
      )}
      {verdict === 'good' ? null : (
        <span class="chip-hint" data-quality={verdict}>
          {QUALITY_HINTS[verdict]}
        </span>
      )}
    </div>
  );
}

export function Picture({ store, health, overlay, captures, onReady, onDone, onChooseSource }: PictureProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const line = useRef<HTMLSpanElement>(null);
  const [ratio, setRatio] = useState(5 / 4);
  const [drawnOf, setDrawnOf] = useState<string | null>(null);
  const sourceId = useSelected(store, (state) => state.hello?.source?.id ?? null);

  const stage = useRef<Stage | null>(null);

  useEffect(() => {
    if (canvas.current === null) return;
    const created = createStage(
      canvas.current,
      (drawn) => {
        setRatio(drawn.width / drawn.height);
        setDrawnOf(drawn.frame.sourceId);
        if (line.current !== null) line.current.textContent = detectionLine(store, drawn);
      },
      onDone,
    );
    stage.current = created;
    onReady((frame) => {
      created.show(frame);
    });
    return () => {
      created.dispose();
    };
  }, [store]);
  useEffect(() => {
    stage.current?.follow(sourceId);
  }, [sourceId]);

  const empty = drawnOf === null || drawnOf !== sourceId;
  const trouble = health.level === 'stale' || health.level === 'fault' || health.level === 'ended';
  return (
    <div class="stage">
      <div class="picture" data-level={health.level} data-live={health.live} data-empty={empty} style={{ '--ratio': ratio.toFixed(4) }}>
        {captures === 0 ? null : <span key={captures} class="flash" aria-hidden="true" />}
        <canvas ref={canvas} role="img" aria-label="Live picture of the endoscope" />
        {overlay && !empty ? <CornerMarks /> : null}
        <div class="indicator" data-level={overlay ? health.level : 'off'} title={overlay ? health.text || health.level : 'overlay off'}>
          <LevelIcon level={health.level} overlay={overlay} />
        </div>
        {trouble || (health.level === 'waiting' && health.text !== '') ? (
          <div class="trouble" data-level={health.level} role={health.level === 'fault' ? 'alert' : 'status'}>
            <strong>{health.text}</strong>
            {health.detail === null ? null : <span>{health.detail}</span>}
            {(health.level === 'fault' || health.level === 'ended') && !health.live ? (
              <button type="button" onClick={onChooseSource}>
                Choose a source
              </button>
            ) : null}
          </div>
        ) : null}
        {overlay ? <LandmarkChip store={store} health={health} /> : null}
        <span class="detection-line" ref={line} hidden={!overlay || trouble || empty} />
      </div>
    </div>
  );
}
