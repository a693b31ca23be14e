import type { ClassKind } from '../../common/landmarks.js';
import type { Device } from '../../inference/device.js';

/** What `lumenmark evaluate` was asked, as commander gives it. */
export interface EvaluateFlags {
  readonly gallery?: string;
  readonly query?: string;
  readonly dataset?: string;
  readonly datasetName?: string;
  readonly folds?: number;
  readonly leaveOneOut: boolean;
  readonly split?: string;
  readonly groupPattern?: string;
  readonly groupColumn?: string;
  readonly index?: string;
  readonly idsOnly: boolean;
  readonly labelColumn?: string;
  readonly galleryEmbeddings?: string;
  readonly queryEmbeddings?: string;
  readonly dim?: number;
  readonly labels?: string;
  readonly tracking?: string;
  readonly checklist: string;
  readonly analysisFps?: number;
  readonly protocol?: string;
  readonly kvasir?: string;
  readonly hyperkvasir?: string;
  readonly out?: string;
  readonly perClass?: number;
  readonly untrained: boolean;
  readonly steps?: number;
  readonly model: string;
  readonly kinds?: ClassKind[];
  readonly minExemplars: number;
  readonly keepLabels: boolean;
  readonly fieldOfView: string;
  readonly ablation: boolean;
  readonly falseAcceptance: number;
  readonly report?: string;
  readonly device: Device;
  readonly cache: boolean;
  readonly json: boolean;
}
