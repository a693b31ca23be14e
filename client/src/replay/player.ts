import type { ProcedureReplay } from '../../../src/server/procedure-protocol.js';

/** Plays the video files of a procedure as one, on the clock of its detections; where there is no video, the clock alone can be moved. */
export interface Player {
  /** Time of the picture that is shown, µs. */
  readonly ptsUs: number;
  readonly playing: boolean;
  seek(ptsUs: number): void;
  /** To the next frame of the video, or the one before. */
  step(frames: 1 | -1): void;
  setPlaying(playing: boolean): void;
  setSpeed(speed: number): void;
  dispose(): void;
}

export interface PlayerOptions {
  readonly video: HTMLVideoElement;
  readonly replay: Pick<ProcedureReplay, 'parts' | 'startPtsUs' | 'endPtsUs'>;
  /** From one analysed frame of the source to the next as they are counted, or null: bounds what a step is where the source has paused. */
  readonly frameIntervalUs: number | null;
  /** Called with every picture that is shown, and when playing begins or ends. */
  readonly onChange: () => void;
  readonly onFault: (message: string) => void;
}

/** Half a millisecond into a frame is within it, whatever rounding says. */
const INTO_FRAME_S = 0.0005;
const USUAL_FRAME_US = 40_000;

export function createPlayer({ video, replay, frameIntervalUs, onChange, onFault }: PlayerOptions): Player {
  const { parts, startPtsUs, endPtsUs } = replay;
  let part = -1;
  let ptsUs = startPtsUs;
  let wantedUs: number | null = null;
  let speed = 1;
  let wantsPlay = false;
  let handle = 0;
  let disposed = false;

  const origin = (): number => parts[part]?.originPtsUs ?? 0;
  const frameUs = (): number => {
    const { frames, durationMs } = parts[part] ?? { frames: null, durationMs: null };
    const onAverageUs = frames === null || durationMs === null || frames < 2 ? USUAL_FRAME_US : (durationMs * 1000) / (frames - 1);
    return Math.min(onAverageUs, frameIntervalUs ?? Infinity);
  };

  function showing(mediaTimeS: number): void {
    ptsUs = Math.round(origin() + mediaTimeS * 1e6);
    onChange();
  }

  // Tells of each picture when it is on the screen, with its own time; `timeupdate` would be late and rare.
  function watch(): void {
    handle = video.requestVideoFrameCallback((_now, { mediaTime }) => {
      if (disposed) return;
      showing(mediaTime);
      watch();
    });
  }

  function open(index: number): void {
    const next = parts[index];
    if (next === undefined || index === part) return;
    part = index;
    video.src = `.${next.path}`;
    video.playbackRate = speed;
  }

  function place(): void {
    if (wantedUs === null || video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    const seconds = Math.max(0, (wantedUs - origin()) / 1e6);
    wantedUs = null;
    video.currentTime = Math.min(seconds + INTO_FRAME_S, Math.max(0, video.duration - INTO_FRAME_S));
  }

  function seek(to: number, intoUs = 0): void {
    const bounded = Math.min(Math.max(to, startPtsUs), endPtsUs);
    const index = Math.max(
      0,
      parts.findLastIndex(({ originPtsUs }) => originPtsUs <= bounded),
    );
    ptsUs = bounded;
    wantedUs = bounded + intoUs;
    open(index);
    place();
    onChange();
  }

  const play = (): void => {
    video.play().catch(() => {
      wantsPlay = false;
      onChange();
    });
  };
  const onLoaded = (): void => {
    video.playbackRate = speed;
    place();
    if (wantsPlay) play();
  };
  const onEnded = (): void => {
    if (part + 1 < parts.length) {
      open(part + 1);
      return;
    }
    wantsPlay = false;
    onChange();
  };
  const onError = (): void => {
    onFault('This browser cannot play the recording. The timeline and everything that was found can still be looked at.');
  };
  video.addEventListener('loadedmetadata', onLoaded);
  video.addEventListener('ended', onEnded);
  video.addEventListener('error', onError);
  video.addEventListener('play', onChange);
  video.addEventListener('pause', onChange);
  if (parts.length > 0) {
    watch();
    open(0);
  }

  return {
    get ptsUs() {
      return ptsUs;
    },
    get playing() {
      return wantsPlay && !video.ended;
    },
    seek: (to) => {
      seek(to);
    },
    step(frames) {
      if (wantsPlay) return;
      // To the middle of the picture, so that it is the same one whatever its exact time is.
      seek(ptsUs + frames * frameUs(), frameUs() / 2);
    },
    setPlaying(playing) {
      if (parts.length === 0) return;
      wantsPlay = playing;
      if (!playing) video.pause();
      else if (video.readyState >= HTMLMediaElement.HAVE_METADATA) play();
      onChange();
    },
    setSpeed(next) {
      speed = next;
      video.playbackRate = next;
      onChange();
    },
    dispose() {
      disposed = true;
      video.cancelVideoFrameCallback(handle);
      for (const [type, listener] of [
        ['loadedmetadata', onLoaded],
        ['ended', onEnded],
        ['error', onError],
        ['play', onChange],
        ['pause', onChange],
      ] as const)
        video.removeEventListener(type, listener);
      video.removeAttribute('src');
      video.load();
    },
  };
}
