import { describe, expect, it } from 'vitest';
import { failureFrom, type FailureContext } from '../../src/media/failure.js';

const device: FailureContext = { label: 'v4l2:/dev/video0', kind: 'device', ffmpegVersion: '5.1' };
const stream: FailureContext = { label: 'rtsp://***@host/x', kind: 'stream', ffmpegVersion: '5.1' };
const file: FailureContext = { label: 'a.mp4', kind: 'file', ffmpegVersion: '5.1' };

describe('failureFrom', () => {
  it.each<[string, FailureContext, string]>([
    ['[video4linux2,v4l2 @ 0x1] [error] ioctl(VIDIOC_STREAMON): Device or resource busy', device, 'device-busy'],
    ['[in#0] Error opening input: No such device', device, 'device-absent'],
    ['[error] /dev/video0: No such file or directory', device, 'file-missing'],
    ['[error] /dev/video0: Permission denied', device, 'permission-denied'],
    ['[dshow @ 0x1] Could not find video device with name [Card] among source devices of type video.', device, 'device-absent'],
    ["[fatal] Unknown input format: 'dshow'", device, 'format-unsupported'],
    ['[error] srt://host:1: Protocol not found', stream, 'protocol-unsupported'],
    ['[tcp @ 0x1] [error] Connection to tcp://host:554 failed: Connection refused', stream, 'connection-refused'],
    ['[tcp @ 0x1] [error] Failed to resolve hostname host: Name or service not known', stream, 'unreachable'],
    ['[error] rtsp://host/x: Connection timed out', stream, 'timed-out'],
    ['[rtsp @ 0x1] [error] method DESCRIBE failed: 401 Unauthorized', stream, 'unauthorized'],
    ['[rtsp @ 0x1] [error] method DESCRIBE failed: 404 Not Found', stream, 'stream-not-found'],
    ['[https @ 0x1] [error] HTTP error 503 Service Unavailable', stream, 'server-error'],
    ['[mov,mp4 @ 0x1] [error] moov atom not found', file, 'incomplete-file'],
    ["[fatal] Stream map '0:V:0' matches no streams.", file, 'no-video'],
    ['[error] Decoder (codec av1) not found for input stream #0:0', file, 'codec-unknown'],
    ['[error] a.mp4: Invalid data found when processing input', file, 'invalid-data'],
    ['[warning] something nobody has seen before', file, 'ffmpeg-failed'],
  ])('%s', (line, context, code) => {
    const error = failureFrom(['Input #0', line], context);
    expect(error.code).toBe(code);
    expect(error.message).toContain(context.label);
    expect(error.message.split('\n')).toHaveLength(1);
    expect(error.remedy).toBeTruthy();
  });

  it('calls a codec without a name by the letters that its container has for it', () => {
    const lines = [
      '[info] Stream #0:0[0x1](und): Video: none (zzz9 / 0x397A7A7A), none, 672x544',
      '[error] Decoder (codec none) not found',
    ];
    expect(failureFrom(lines, file)).toMatchObject({ code: 'codec-unknown', message: expect.stringContaining('(zzz9)') as string });
  });

  it('never repeats a credential, not even as the cause', () => {
    const error = failureFrom(['[error] rtsp://doctor:geheim@host/x: strange'], stream);
    expect(JSON.stringify([error.message, error.remedy, error.cause])).not.toContain('geheim');
  });
});
