import { describe, expect, it } from 'vitest';
import {
  parseAvfoundationDevices,
  parseDecklinkDevices,
  parseDecklinkFormats,
  parseDshowDevices,
  parseDshowFormats,
  parseV4l2Formats,
} from '../../src/capture/device-lists.js';

describe('device lists', () => {
  it('reads the formats of v4l2', () => {
    const text = `[video4linux2,v4l2 @ 0x5] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 1280x720
[video4linux2,v4l2 @ 0x5] Compressed:       mjpeg :          Motion-JPEG : 640x480 1920x1080
[video4linux2,v4l2 @ 0x5] Compressed: Unsupported :                 H.265 : 640x480
[video4linux2,v4l2 @ 0x5] Raw       :        uyvy422 :           UYVY 4:2:2 : {48-1920, 2}x{32-1200, 1}
/dev/video0: Immediate exit requested`;
    expect(parseV4l2Formats(text)).toEqual([
      { format: 'yuyv422', sizes: ['640x480', '1280x720'], fps: null },
      { format: 'mjpeg', sizes: ['640x480', '1920x1080'], fps: null },
      { format: 'uyvy422', sizes: ['1920x1200'], fps: null },
    ]);
  });

  it('reads the video devices of DirectShow in both wordings', () => {
    const old = `[dshow @ 000] DirectShow video devices (some may be both video and audio devices)
[dshow @ 000]  "USB3.0 HD Video Capture"
[dshow @ 000]     Alternative name "@device_pnp_\\\\?\\usb"
[dshow @ 000] DirectShow audio devices
[dshow @ 000]  "Microphone"`;
    const recent = `[dshow @ 000] "USB3.0 HD Video Capture" (video)
[dshow @ 000]   Alternative name "@device_pnp_\\\\?\\usb"
[dshow @ 000] "Microphone" (audio)`;
    expect(parseDshowDevices(old)).toEqual(['USB3.0 HD Video Capture']);
    expect(parseDshowDevices(recent)).toEqual(['USB3.0 HD Video Capture']);
    expect(
      parseDshowFormats(`[dshow @ 0]   pixel_format=yuyv422  min s=640x480 fps=5 max s=640x480 fps=30
[dshow @ 0]   pixel_format=yuyv422  min s=1920x1080 fps=5 max s=1920x1080 fps=59.9402
[dshow @ 0]   vcodec=mjpeg  min s=640x480 fps=5 max s=640x480 fps=60.0002`),
    ).toEqual([
      { format: 'yuyv422', sizes: ['640x480', '1920x1080'], fps: 59.94 },
      { format: 'mjpeg', sizes: ['640x480'], fps: 60 },
    ]);
  });

  it('reads AVFoundation and DeckLink', () => {
    const mac = `[AVFoundation indev @ 0x7] AVFoundation video devices:
[AVFoundation indev @ 0x7] [0] FaceTime HD Camera
[AVFoundation indev @ 0x7] [1] Cam Link 4K
[AVFoundation indev @ 0x7] AVFoundation audio devices:
[AVFoundation indev @ 0x7] [0] Built-in Microphone`;
    expect(parseAvfoundationDevices(mac)).toEqual([
      { index: '0', name: 'FaceTime HD Camera' },
      { index: '1', name: 'Cam Link 4K' },
    ]);
    expect(
      parseDecklinkDevices(`[decklink @ 0x1] Blackmagic DeckLink input devices:\n[decklink @ 0x1] \t'DeckLink Mini Recorder'`),
    ).toEqual(['DeckLink Mini Recorder']);
    expect(parseDecklinkDevices('Auto-detected sources for decklink:\n  81:76669a80:00000000 [DeckLink Quad (1)] (none)')).toEqual([
      'DeckLink Quad (1)',
    ]);
    expect(
      parseDecklinkFormats(
        '\tformat_code\tdescription\n\tpal \t\t720x576 at 25000/1000 fps (interlaced)\n\tHp25\t\t1920x1080 at 25000/1000 fps',
      ),
    ).toEqual([{ format: 'Hp25', sizes: ['1920x1080'], fps: 25 }]);
  });
});
