// Folders stand in the order in which data flows; each may import from itself and from those before it.
const ORDER = ['common', 'report', 'onnx', 'models', 'media', 'capture', 'inference', 'retrieval', 'tracking', 'procedure', 'training', 'evaluation', 'phantom'];
// One adapter file per native or foreign-process library: nobody else may import it.
const ADAPTERS = {
  'onnxruntime-node': '^src/(onnx|inference)/[^/]+\\.ts$',
  'hnswlib-node': '^src/retrieval/[^/]+\\.ts$',
  sharp: '^src/media/stills\\.ts$',
  'fluent-ffmpeg': '^src/media/[^/]+\\.ts$',
  'better-sqlite3': '^src/procedure/catalogue/[^/]+\\.ts$',
  'dicom-parser': '^src/media/dicom\\.ts$',
  yauzl: '^src/common/unzip\\.ts$',
  yazl: '^src/common/zip\\.ts$',
  'umap-js': '^src/retrieval/[^/]+\\.ts$',
  'csv-parse': '^src/common/csv\\.ts$',
  ws: '^src/server/[^/]+\\.ts$',
};

module.exports = {
  forbidden: [
    ...ORDER.map((folder, position) => ({
      name: `${folder}-imports-only-from-above`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(${ORDER.slice(0, position + 1).join('|')})/` },
    })),
    {
      name: 'server-does-not-know-the-command-line',
      severity: 'error',
      from: { path: '^src/server/' },
      to: { path: '^src/(cli/|index\\.ts)' },
    },
    {
      name: 'pipeline-does-not-know-the-server',
      severity: 'error',
      from: { path: '^src/pipeline\\.ts$' },
      to: { path: '^src/(server/|cli/|index\\.ts)' },
    },
    { name: 'client-knows-only-the-protocol', severity: 'error', from: { path: '^client/' }, to: { path: '^src/', pathNot: '^src/server/((procedure|search|photograph)-)?protocol\\.ts$' } },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    ...Object.entries(ADAPTERS).map(([library, adapter]) => ({
      name: `only-an-adapter-imports-${library}`,
      severity: 'error',
      from: { path: '^src/', pathNot: adapter },
      to: { path: `^node_modules/(@types/)?${library}/` },
    })),
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' } },
};
