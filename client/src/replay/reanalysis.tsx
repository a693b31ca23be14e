import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ProcedureReanalysis, ProcedureReplay } from '../../../src/server/procedure-protocol.js';
import type { HelloMessage } from '../../../src/server/protocol.js';
import { readReanalysis, startReanalysis } from '../procedures/api.js';
import { landmarkName, percent } from '../words.js';

const ASK_EVERY_MS = 700;

export interface ReanalysisHandle {
  readonly status: ProcedureReanalysis | null;
  readonly fault: string | null;
  readonly start: () => void;
}

/** A second analysis of this recording on the server, which goes on when the page is left. */
export function useReanalysis(id: string): ReanalysisHandle {
  const [status, setStatus] = useState<ProcedureReanalysis | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const running = status?.state === 'running';
  const onFault = (error: unknown): void => {
    setFault(error instanceof Error ? error.message : String(error));
  };
  useEffect(() => {
    readReanalysis(id).then(setStatus, () => undefined);
  }, [id]);
  useEffect(() => {
    if (!running) return;
    const timer = window.setInterval(() => {
      readReanalysis(id).then(setStatus, onFault);
    }, ASK_EVERY_MS);
    return () => {
      window.clearInterval(timer);
    };
  }, [id, running]);
  return {
    status,
    fault,
    start: () => {
      setFault(null);
      startReanalysis(id).then(setStatus, onFault);
    },
  };
}

function missingText(frames: number): string {
  if (frames === 0) return '.';
  return frames === 1 ? '; 1 frame is not in the recording.' : `; ${frames} frames are not in the recording.`;
}

export function Reanalysis({
  reanalysis,
  replay,
  hello,
}: {
  reanalysis: ReanalysisHandle;
  replay: ProcedureReplay;
  hello: HelloMessage;
}): JSX.Element {
  const { status, fault, start } = reanalysis;
  const result = status?.result ?? null;
  const running = status?.state === 'running';
  return (
    <div class="reanalysis">
      <p>
        The recording is analysed again, frame by frame as then, with the model and gallery that this server has loaded
        {replay.gallery.loaded ? ', which are those of then.' : '; they are not those of then.'} Nothing of the procedure is changed.
      </p>
      {fault === null && status?.state !== 'failed' ? null : (
        <p class="seal-bad" role="alert">
          {fault ?? status?.message}
        </p>
      )}
      {running ? (
        <p role="status">
          <progress value={status.frames} max={Math.max(1, status.totalFrames)} /> {status.frames} of {status.totalFrames} frames
        </p>
      ) : (
        <button type="button" autoFocus onClick={start} disabled={replay.parts.length === 0}>
          {result === null ? 'Analyse again' : 'And again'}
        </button>
      )}
      {replay.parts.length === 0 ? <p class="seal-note">There is no recording to analyse.</p> : null}
      {result === null ? null : (
        <>
          <ul class="reanalysis-says">
            {result.trackerIdentical === null ? (
              <li>The checklist was changed on the way, so the tracker was not run again over the kept detections.</li>
            ) : (
              <li data-good={result.trackerIdentical}>
                {result.trackerIdentical
                  ? 'The tracker, run again over the kept detections, gives the kept sightings to the last digit.'
                  : 'The tracker, run again over the kept detections, gives other sightings than those that were kept.'}
              </li>
            )}
            <li data-good={result.identicalSightings}>
              {result.identicalSightings
                ? 'The recording gives the same sightings, to the last digit.'
                : `The recording gives sightings that agree with those kept at ${percent(result.agreement)} of the analysed frames.`}
            </li>
            <li>
              {result.identicalFrames} of {result.comparedFrames} frames have the same class scores to the last digit
              {missingText(result.missingFrames)}
            </li>
            <li>
              With {result.model} and {result.gallery}
              {result.sameModel ? ', as then.' : ', not those of then.'}
            </li>
          </ul>
          <table class="compare">
            <thead>
              <tr>
                <th>Landmark</th>
                <th>Then</th>
                <th>Again</th>
                <th>Time then</th>
                <th>Time again</th>
                <th>Overlap</th>
                <th>Largest shift</th>
              </tr>
            </thead>
            <tbody>
              {result.lanes.map((lane) => (
                <tr key={lane.landmark} data-same={lane.overlap === 1}>
                  <th>{landmarkName(hello, lane.landmark)}</th>
                  <td>{lane.first}</td>
                  <td>{lane.second}</td>
                  <td>{(lane.firstMs / 1000).toFixed(1)} s</td>
                  <td>{(lane.secondMs / 1000).toFixed(1)} s</td>
                  <td>{lane.overlap === null ? '–' : percent(lane.overlap)}</td>
                  <td>{lane.largestShiftMs === null ? '–' : `${(lane.largestShiftMs / 1000).toFixed(1)} s`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </div>
  );
}
