/** The public library: what an application builds on. Everything else may change without notice. */
export { GalleryError, LumenmarkError, MediaError, ModelError, ProcedureError, UsageError } from './common/errors.js';
export { CLASSES, classInfo, type ClassInfo, type ClassKind, type Tract } from './common/landmarks.js';
export { version } from './common/version.js';

// Sources
export { findFfmpeg, type Ffmpeg, type FfmpegOrigin, type FindFfmpegOptions } from './media/ffmpeg.js';
export { openSource } from './capture/source.js';
export { listDevices } from './capture/devices.js';
export type { FieldOfViewOption, SourceOptions } from './capture/options.js';
export type {
  AnalysisFrame,
  CaptureEvent,
  FieldOfView,
  FieldOfViewChange,
  FrameSource,
  PreviewFrame,
  SourceState,
  SourceStateName,
} from './capture/frame.js';

// Models
export { openModel } from './models/registry.js';
export type { FittableModel, Model, ModelPart } from './models/model.js';
export { createEmbedder, type EmbedderOptions } from './inference/worker-embedder.js';
export type { Device } from './inference/device.js';
export type { Embedder, EmbeddingBatch, PixelBatch, QualityMeasures } from './inference/embedder.js';
export { latestWins, type LatestWinsOptions } from './inference/latest-wins.js';
export { inOrder, type InOrderOptions } from './inference/in-order.js';

// Galleries
export { buildGallery, type BuildGalleryOptions, type GalleryReport } from './retrieval/build-gallery.js';
export { openGallery, type Exemplar, type Gallery, type GalleryManifest, type OpenGalleryOptions } from './retrieval/gallery.js';
export type { ClassScore, Match, Neighbour } from './retrieval/match.js';

// Training
export { finetune, type FinetuneOptions, type FinetuneProgress, type FinetuneReport } from './training/finetune.js';
export { trainingSettings, type TrainingSettings } from './training/settings.js';
export { embeddingCache, type EmbeddingCache, type EmbeddingCacheOptions } from './retrieval/embedding-cache.js';
export { embedStills, type EmbeddedStill, type EmbedStillsOptions } from './retrieval/embed-stills.js';

// Evaluation
export { rankQuery, type LabelledRows, type QueryMeasures, type RankOptions } from './evaluation/ranking.js';
export { DEFINITIONS, retrievalReport, type MetricName, type RetrievalReport } from './evaluation/retrieval-metrics.js';

// Tracking
export { judgeQuality } from './tracking/quality.js';
export { createTracker, type Current, type Posterior, type Tracker, type TrackerState, type TrackingStep } from './tracking/tracker.js';
export { trackerOptionsFor } from './tracking/gallery-options.js';
export type { TrackerOptions } from './tracking/options.js';
export { track, type TrackingUpdate } from './tracking/track.js';
export { sightingsOf } from './tracking/sightings-of.js';
export type { Detection, FrameQuality, QualityVerdict } from './tracking/detection.js';
export type { BestFrame, CloseReason, Sighting, SightingEvent } from './tracking/sighting.js';
export { CHECKLISTS, loadChecklist, parseChecklist, type Checklist, type ChecklistSite } from './tracking/checklist.js';
export { coverage, type Coverage, type CoverageInput, type SiteCoverage } from './tracking/coverage.js';

// Procedures
export { openProcedureWriter, type ClosedProcedure, type NewStill, type ProcedureWriter, type WriterOptions } from './procedure/writer.js';
export { Recorder, type RecorderOptions, type RecordingPart, type RecordingPartEnd } from './procedure/recording/recorder.js';
export { LiveProcedure } from './procedure/recording/live-procedure.js';
export type { LiveDetection, LiveProcedureOptions, LiveProcedureStatus } from './procedure/recording/live-options.js';
export { findH264Encoder, type VideoEncoder } from './media/encoders.js';
export { makeSeekable } from './media/seekable.js';
export { readProcedure, type Procedure } from './procedure/reader.js';
export { openProcedureHome, type OpenHomeOptions, type ProcedureHome } from './procedure/home.js';
export { verifyProcedure, type Verification, type VerifyOptions } from './procedure/verify.js';
export { createAmender, type Amender, type Amendment } from './procedure/amend.js';
export { exportProcedure, verifyArchive, type Exported, type ExportOptions } from './procedure/export.js';
export { deleteProcedure } from './procedure/delete.js';
export { pruneProcedures, type Pruned, type PruneOptions } from './procedure/prune.js';
export type { RetentionPlan, RetentionRules } from './procedure/retention.js';
export type { Finding } from './procedure/finding.js';
export type { InstallationKey } from './procedure/key.js';
export { detectionLine, type DetectionLine } from './procedure/detection-line.js';
export type { NewProcedure, ProcedureDescription } from './procedure/description.js';
export type { Entry, EntryType, NewEntry } from './procedure/entries.js';
export { auditVideo, type AuditProgress, type AuditVideoOptions, type VideoAudit } from './procedure/audit-video.js';
export { reanalyse, type Reanalysed, type ReanalyseOptions } from './procedure/reanalyse.js';
export { compareSightings, type ComparedLane } from './procedure/compare-sightings.js';
export { openCatalogue, type Catalogue } from './procedure/catalogue/catalogue.js';
export type { ProcedureFilter, ProcedureQuery } from './procedure/catalogue/query.js';
export type { CatalogueStatistics } from './procedure/catalogue/statistics.js';
export type { ProcedureSummary } from './procedure/catalogue/summary.js';
export { auditPhotographs, type PhotographAudit, type PhotographAuditOptions } from './procedure/photographs/audit-photographs.js';
export { findPhotographs, type FindOptions, type PhotographSet } from './procedure/photographs/find-photographs.js';
export { writeReport, type WriteReportOptions, type WrittenReport } from './procedure/report/write-report.js';
export { remakeOverview, type RemakeOverviewOptions } from './procedure/report/remake-overview.js';
export type { ProcedureReport } from './procedure/report/report.js';

// The live path
export {
  closedSightings,
  trackLandmarks,
  type PipelineEvent,
  type PipelineOptions,
  type TimedDetection,
  type TrackedFrame,
} from './pipeline.js';
export { LiveSession, type LiveSessionOptions, type SourceOpener } from './server/live-session.js';
export { startServer, type LumenmarkServer, type ServerOptions } from './server/server.js';
