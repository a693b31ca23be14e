import type { FieldOfViewOption } from '../../capture/options.js';
import type { Device } from '../../inference/device.js';

export interface AuditFlags {
  readonly gallery?: string;
  readonly model?: string;
  readonly checklist: string;
  readonly analysisFps: number;
  readonly together: boolean;
  readonly out?: string;
  readonly cache: boolean;
  readonly label?: string;
  readonly names: boolean;
  readonly recording: boolean;
  readonly fieldOfView: FieldOfViewOption;
  readonly device: Device;
  readonly ffmpeg?: string;
  readonly json: boolean;
}
