/** Reads what ffmpeg prints when it is asked for capture devices and their formats; every system has a wording of its own. */

export interface DeviceMode {
  /** For `--input-format`: pixel format, codec or DeckLink mode. */
  readonly format: string;
  /** For `--input-size`; empty where the format implies it. */
  readonly sizes: readonly string[];
  /** For `--input-fps`, the highest; null where the system does not say. */
  readonly fps: number | null;
}

/** `[video4linux2,v4l2 @ …] Compressed:       mjpeg :     Motion-JPEG : 640x480 1920x1080` */
export function parseV4l2Formats(text: string): DeviceMode[] {
  return [...text.matchAll(/(?:Raw|Compressed)\s*:\s*(\S+)\s*:[^:\n]*:\s*([^\n]*)/g)].flatMap(([, format = '', rest = '']) => {
    const stepwise = /\{(\d+)-(\d+), \d+\}x\{(\d+)-(\d+), \d+\}/.exec(rest);
    const sizes = stepwise === null ? [...new Set(rest.match(/\d+x\d+/g) ?? [])] : [`${stepwise[2] ?? ''}x${stepwise[4] ?? ''}`];
    // A format that this ffmpeg cannot decode has no name there.
    return format === 'Unsupported' ? [] : [{ format, sizes, fps: null }];
  });
}

/** Names of the video devices in `-f dshow -list_devices true`, in the wording of 2018 (two headed lists) and of today (a kind behind each). */
export function parseDshowDevices(text: string): string[] {
  const names: string[] = [];
  let isVideoList = true;
  for (const line of text.split(/\r?\n/)) {
    if (/DirectShow video devices/.test(line)) isVideoList = true;
    else if (/DirectShow audio devices/.test(line)) isVideoList = false;
    const [, name, kind] = /^\[[^\]]*\]\s+(?:\[\w+\]\s+)?"([^"]+)"(?:\s+\(([^)]*)\))?/.exec(line) ?? [];
    if (name === undefined || name.startsWith('@device')) continue;
    if (kind === undefined ? isVideoList : kind.includes('video')) names.push(name);
  }
  return names;
}

/** `pixel_format=yuyv422  min s=640x480 fps=5 max s=640x480 fps=30` or `vcodec=mjpeg …` */
export function parseDshowFormats(text: string): DeviceMode[] {
  const modes = new Map<string, DeviceMode>();
  for (const match of text.matchAll(/(?:pixel_format|vcodec)=(\S+)\s+min s=\d+x\d+ fps=[\d.]+ max s=(\d+x\d+) fps=([\d.]+)/g)) {
    const [, format = '', size = '', fps] = match;
    const known = modes.get(format);
    const sizes = [...new Set([...(known?.sizes ?? []), size])];
    modes.set(format, { format, sizes, fps: Math.max(known?.fps ?? 0, Math.round(Number(fps) * 100) / 100) });
  }
  return [...modes.values()];
}

/** Video devices of `-f avfoundation -list_devices true`, as index and name. */
export function parseAvfoundationDevices(text: string): { index: string; name: string }[] {
  const video = /AVFoundation video devices:([\s\S]*?)(?:AVFoundation audio devices:|$)/.exec(text)?.[1] ?? '';
  return [...video.matchAll(/\] \[(\d+)\] ([^\r\n]+)/g)].map(([, index = '', name = '']) => ({ index, name: name.trim() }));
}

/** `[decklink @ …]         'DeckLink Mini Recorder'`, or `81:76669a80:00000000 [DeckLink …] (none)` of newer releases. */
export function parseDecklinkDevices(text: string): string[] {
  const quoted = [...text.matchAll(/^\[decklink[^\]]*\]\s+(?:\[info\]\s+)?'([^']+)'/gm)].map((match) => match[1] ?? '');
  const bracketed = [...text.matchAll(/^\s*\*?\s*[\da-f]+:[\da-f]+:[\da-f]+ \[([^\]]+)\]/gm)].map((match) => match[1] ?? '');
  return [...new Set([...quoted, ...bracketed])];
}

/** `Hp25            1920x1080 at 25000/1000 fps` */
export function parseDecklinkFormats(text: string): DeviceMode[] {
  return [...text.matchAll(/^\s+(\w{4})\s+(\d+x\d+) at (\d+)\/(\d+) fps/gm)].map(([, format = '', size = '', frames, seconds]) => ({
    format,
    sizes: [size],
    fps: Math.round((Number(frames) / Number(seconds)) * 100) / 100,
  }));
}
