import { describe, expect, it } from 'vitest';
import { redact } from '../../src/media/redact.js';

describe('redact', () => {
  it.each([
    ['rtsp://user:secret@10.0.0.5:554/live', 'rtsp://***@10.0.0.5:554/live'],
    ['rtsp://user@host/x', 'rtsp://***@host/x'],
    ['http://a:p@ss@host/x?y=1', 'http://***@host/x?y=1'],
    ['rtsp://u:p/w#1?2@host:8554/cam', 'rtsp://***@host:8554/cam'],
    ['srt://host:9000?passphrase=secretsecret&mode=caller', 'srt://host:9000?passphrase=***&mode=caller'],
    ['https://host/live.m3u8?token=abc&q=1#t', 'https://host/live.m3u8?token=***&q=1#t'],
    [
      '[tcp @ 0x1] Connection to rtsp://u:secret@h:1/a failed, then rtsp://u:secret@h:1/b',
      '[tcp @ 0x1] Connection to rtsp://***@h:1/a failed, then rtsp://***@h:1/b',
    ],
    ['rtmp://host/app/stream', 'rtmp://host/app/stream'],
    ['mail me@example.org about file.mp4', 'mail me@example.org about file.mp4'],
  ])('%s', (from, to) => {
    expect(redact(from)).toBe(to);
    expect(redact(from)).not.toContain('secret');
  });
});
