/**
 * The filter graph and output options of one capture: one decode, every wanted picture, all with the presentation time of the frame
 * they show. Pure: the same plan gives the same words.
 */
import type { VideoEncoder } from '../media/encoders.js';
import type { Ffmpeg } from '../media/ffmpeg.js';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What cut, mask and encoders are made for. */
export interface PictureForm {
  readonly width: number;
  readonly height: number;
  /** Width of a pixel over its height; null: what keeps the proportions of the picture. */
  readonly pixelAspect: number | null;
  /** ffmpeg's name, `yuv420p`; null: any. */
  readonly pixelFormat: string | null;
}

/** How frames become packets of a recording: `copy` takes those of the source. */
export type RecordingCodec = { readonly type: 'encode'; readonly encoder: VideoEncoder } | { readonly type: 'copy' };

/** How what lies outside the field of view is blackened, in the coordinates of the cut. */
export type Mask =
  /** A picture whose opaque pixels cover; `address` is read by the filter graph itself. */
  | { readonly type: 'picture'; readonly format: string; readonly address: string }
  | { readonly type: 'boxes'; readonly boxes: readonly Rectangle[] };

export interface CapturePlan {
  /** Small gray pictures of the whole source, for finding the field of view; `fps` null: with every frame that leaves. */
  readonly gray: { readonly width: number; readonly fps: number | null } | null;
  readonly preview: { readonly fps: number; readonly width: number; readonly quality: number } | null;
  readonly analysis: { readonly width: number; readonly height: number; readonly fps: number | null } | null;
  /** Every frame, cut and masked, at full size; nothing is encoded while the gate is shut (`gateCommand`). */
  readonly recording: { readonly codec: RecordingCodec; readonly open: boolean } | null;
  /** What every picture is brought to, since a source may change at any time. Null while it has not shown itself. */
  readonly form: PictureForm | null;
  readonly cut: Rectangle | null;
  readonly mask: Mask | null;
  /** Show the whole source in the preview, without cut and mask. */
  readonly wholePreview: boolean;
  /** `flagged`: only pictures that the source flags as interlaced. */
  readonly deinterlace: 'none' | 'flagged' | 'all';
  /** Times must be the input's own, so that a frame can be found again; else they only have to rise steadily. */
  readonly keepsTimes: boolean;
  /** Let frames pass no faster than their presentation times say. */
  readonly paced: boolean;
  /** Every packet leaves ffmpeg at once, at the price of two tiny extra streams. */
  readonly prompt: boolean;
  /** Frames before this presentation time are left out. */
  readonly sinceUs: number | null;
}

export type TrackRole = 'gray' | 'preview' | 'analysis' | 'tick' | 'recording';

export interface CaptureArguments {
  /** Options that stand before the input. */
  readonly device: readonly string[];
  /** What follows the input. */
  readonly output: readonly string[];
  /** Role of each Matroska track, in order. */
  readonly roles: readonly TrackRole[];
}

// A shuffle of one frame that drops it. Switched off it lets all pass, and unlike `select` it can be switched while it runs, in ffmpeg of 2018
// too; unlike `framestep` it leaves the frame rate alone, by which encoders count their bits.
const GATE = 'shuffleframes';
/** The first frame passes: by it the encoder is set up. */
const SHUT = "'gt(n,0)'";

/** What ffmpeg is told on its standard input to open or shut the gate of the recording. */
export function gateCommand(open: boolean): string {
  return `C${GATE} -1 enable ${open ? 0 : 1}\n`;
}

/** Matroska counts in ms; a time base that it can keep exactly lets every stream agree on the time of a frame. */
const TICKS_PER_SECOND = 1000;

export function captureArguments(plan: CapturePlan, ffmpeg: Pick<Ffmpeg, 'capabilities'>): CaptureArguments {
  const roles: TrackRole[] = [];
  const chains: string[] = [];
  const codecs: string[] = [];
  const add = (role: TrackRole, chain: string, codec: readonly string[]): void => {
    const index = roles.length;
    roles.push(role);
    chains.push(chain);
    for (const [position, word] of codec.entries()) codecs.push(position % 2 === 0 ? `${word}:v:${index}` : word);
  };

  // Matroska packets with one time leave in the order of their streams: the gray picture must be judged before the others are shown.
  if (plan.gray !== null) {
    const { width, fps } = plan.gray;
    add('gray', join(fps === null ? null : gate(fps), `scale=${width}:-2:flags=bilinear`, 'format=gray'), RAW);
  }
  if (plan.preview !== null) {
    const { fps, width, quality } = plan.preview;
    const aspect = 'if(sar,sar,1)';
    const scale = `scale=w='2*max(1,trunc(min(${width},iw*${aspect})/2))':h='2*max(1,round(ow*ih/(iw*${aspect})/2))':flags=bilinear`;
    add('preview', join(gate(fps), scale, 'setsar=1', 'format=yuvj420p'), ['-c', 'mjpeg', '-q', String(quality), '-huffman', 'default']);
  }
  if (plan.analysis !== null) {
    const { width, height, fps } = plan.analysis;
    add(
      'analysis',
      join(
        fps === null ? null : gate(fps),
        `scale=${width}:${height}:flags=bilinear+accurate_rnd+full_chroma_int`,
        'setsar=1',
        'format=rgb24',
      ),
      RAW,
    );
  }
  if (plan.prompt) {
    // The muxer writes a packet only when a later one has come, and closes a cluster only when a still later one begins the next: without
    // these two 4-byte streams, one and two ms behind, every picture would wait for two more frames (70 ms at 30 fps, measured).
    for (const delay of [1, 2]) add('tick', join('crop=2:2:0:0', 'format=gray', `setpts=PTS+${delay}`), RAW);
  }

  // Last, so that the ticks let the others go before a frame is encoded: no picture waits for the recording.
  const encoder = plan.recording?.codec.type === 'encode' ? plan.recording.codec.encoder : null;
  if (encoder !== null) {
    const gated = `${GATE}=-1:enable=${plan.recording?.open === true ? 0 : SHUT}`;
    // 4:2:0 has no odd sides.
    const even = 'pad=w=2*ceil(iw/2):h=2*ceil(ih/2)';
    const options = encoder.options.flatMap(([option, value]) => [option, value]);
    add('recording', join(gated, even, ...encoder.filters), ['-c', encoder.name, ...options]);
  }
  const maps = roles.flatMap((_, index) => ['-map', `[o${index}]`]);
  const filtered = [...roles];
  if (plan.recording?.codec.type === 'copy') {
    codecs.push(`-c:v:${roles.length}`, 'copy');
    maps.push('-map', '0:V:0');
    roles.push('recording');
  }

  const isCut = (role: TrackRole): boolean => role === 'analysis' || ((role === 'preview' || role === 'recording') && !plan.wholePreview);
  const whole = filtered.map((role, index) => ({ role, index })).filter(({ role }) => !isCut(role));
  const cut = filtered.map((role, index) => ({ role, index })).filter(({ role }) => isCut(role));
  const graph = [
    // Tells size, pixel aspect and interlacing of what is really decoded, once per change of these.
    `[0:V:0]${join(...timing(plan))},split=2[shape][timed]`,
    "[shape]select='eq(n,0)',showinfo,nullsink",
    `[timed]${join(...deinterlacing(plan), ...forming(plan), ...before(plan), `split=${whole.length + (cut.length > 0 ? 1 : 0)}`)}${cut.length > 0 ? '[seen]' : ''}${whole.map(({ index }) => `[w${index}]`).join('')}`,
  ];
  if (cut.length > 0) {
    const masked = maskChain(plan);
    graph.push(...masked.inputs, `${masked.chain},split=${cut.length}${cut.map(({ index }) => `[w${index}]`).join('')}`);
  }
  for (const [index, chain] of chains.entries()) graph.push(`[w${index}]${chain}[o${index}]`);

  return {
    roles,
    device: encoder?.device ?? [],
    output: [
      '-filter_complex',
      graph.join(';'),
      ...maps,
      // The JPEG encoder would hold one frame back for every thread.
      ...['-threads:v', '1'],
      ...codecs,
      ...[ffmpeg.capabilities.frameSyncOption, 'passthrough'],
      ...['-enc_time_base', `1:${TICKS_PER_SECOND}`],
      ...(plan.prompt ? ['-max_interleave_delta', '1'] : []),
      ...['-f', 'matroska', '-allow_raw_vfw', '1', '-cluster_time_limit', '0', '-flush_packets', '1', 'pipe:1'],
    ],
  };
}

const RAW = ['-c', 'rawvideo'] as const;

function timing(plan: CapturePlan): string[] {
  // Times must rise: two frames with one time could not be told apart, and a frame without a time could not be placed. A file's own
  // times are kept as far as that allows; a stream that starts over is moved on as a whole, for ever squeezed is no way to live.
  const rising = plan.keepsTimes
    ? 'if(isnan(PTS),if(isnan(PREV_OUTPTS),0,PREV_OUTPTS+40),if(isnan(PREV_OUTPTS),PTS,max(PTS,PREV_OUTPTS+1)))'
    : 'st(0,if(isnan(PTS),if(isnan(PREV_INPTS),0,PREV_INPTS+40),PTS));st(1,if(lte(ld(0)+ld(1),PREV_OUTPTS),PREV_OUTPTS+1-ld(0),ld(1)));ld(0)+ld(1)';
  return [
    `settb=1/${TICKS_PER_SECOND}`,
    `setpts='${rising}'`,
    // Half a ms of grace: the wanted frame itself must not be lost to rounding.
    ...(plan.sinceUs === null ? [] : [`select='gte(t,${seconds(plan.sinceUs - 500)})'`]),
    ...(plan.paced ? ['realtime'] : []),
  ];
}

function deinterlacing({ deinterlace }: CapturePlan): string[] {
  // The filter halves the time base, since it could double the frames.
  return deinterlace === 'none' ? [] : [`yadif=mode=0:parity=-1:deint=${deinterlace === 'all' ? 0 : 1}`, `settb=1/${TICKS_PER_SECOND}`];
}

/** Costs nothing while pictures come in that form. */
function forming({ form }: CapturePlan): string[] {
  if (form === null || (form.pixelFormat !== null && NOT_MADE.test(form.pixelFormat))) return [];
  const { width, height, pixelAspect, pixelFormat } = form;
  return [
    `scale=${width}:${height}:flags=bilinear`,
    // Unpinned, ffmpeg would choose what suits the pickiest stream: gray, for all.
    ...(pixelFormat === null ? [] : [`format=${pixelFormat}`]),
    ...(pixelAspect === null ? [] : [`setsar=${pixelAspect.toFixed(6)}:1000`]),
  ];
}

/** Pixel formats that ffmpeg can only convert from. */
const NOT_MADE = /^(?:pal8|bayer_|xyz12)/;

/** Leaves out, before any work is done on them, frames that no stream wants. */
function before(plan: CapturePlan): string[] {
  const filters: string[] = [];
  if (plan.recording !== null) return [];
  const rates = [plan.preview, plan.analysis, plan.preview === null && plan.analysis === null ? plan.gray : null]
    .filter((stream) => stream !== null)
    .map(({ fps }) => fps);
  const limits = rates.filter((fps) => fps !== null);
  if (limits.length > 0 && limits.length === rates.length) filters.push(`select='${limits.map(due).join('+')}'`);
  return filters;
}

function gate(fps: number): string {
  return `select='${due(fps, 0)}'`;
}

/**
 * True for the frames that thin a stream to `fps`, on a grid that jitter does not shake: a frame counts when it is due within a few ms,
 * and the next one is due a period after that. `select` and not `fps`, since `fps` invents presentation times.
 */
function due(fps: number, variable: number): string {
  const period = 1 / fps;
  const slack = Math.min(period / 4, 0.008).toFixed(6);
  return `if(eq(n,0)+gte(t,ld(${variable})-${slack}),1+0*st(${variable},max(ld(${variable}),t-${period.toFixed(6)})+${period.toFixed(6)}),0)`;
}

function maskChain(plan: CapturePlan): { inputs: string[]; chain: string } {
  const { cut, mask } = plan;
  const crop = cut === null ? [] : [`crop=${cut.width}:${cut.height}:${cut.x}:${cut.y}`];
  if (mask === null) return { inputs: [], chain: `[seen]${join(...crop, 'null')}` };
  // One range for picture and mask, so that black is black.
  const seen = [...crop, 'format=yuv420p'];
  if (mask.type === 'boxes') {
    const boxes = mask.boxes.map(({ x, y, width, height }) => `drawbox=${x}:${y}:${width}:${height}:black:fill`);
    return { inputs: [], chain: `[seen]${join(...seen, ...boxes)}` };
  }
  return {
    inputs: [
      // Read inside the graph, and not as an input beside the first: ffmpeg builds the graph anew whenever the source changes its pixel format
      // or size, and an input of one picture is over by then. Before every frame there can be: one that came before its mask would pass bare.
      `movie=filename='${mask.address.replaceAll(':', '\\:')}':format_name=${mask.format},format=yuva420p,setpts=-1000000000[mask]`,
      `[seen]${join(...seen)}[cut]`,
    ],
    chain: '[cut][mask]overlay=format=yuv420:eof_action=repeat',
  };
}

function join(...filters: readonly (string | null)[]): string {
  return filters.filter((filter) => filter !== null).join(',');
}

function seconds(us: number): string {
  return (us / 1e6).toFixed(6);
}
