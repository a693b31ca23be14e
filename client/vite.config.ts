import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

/** What is built into the page, each under terms that want their text to go with it. */
const BUNDLED = ['preact', '@msgpack/msgpack', '@fontsource-variable/inter'];

function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle() {
      const texts = BUNDLED.map(
        (name) => `${name}\n\n${readFileSync(new URL(`../node_modules/${name}/LICENSE`, import.meta.url), 'utf8').trim()}\n`,
      );
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n----------\n\n') });
    },
  };
}

export default defineConfig({
  root,
  base: './',
  plugins: [licences()],
  build: {
    outDir: fileURLToPath(new URL('../dist/client', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The content policy allows no inline data for fonts, and files are cached for ever.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: Object.fromEntries(['index', 'search', 'photographs', 'procedures', 'replay'].map((page) => [page, `${root}${page}.html`])),
    },
    modulePreload: { polyfill: false },
  },
  // `npx vite --config client/vite.config.ts` beside a running `npm start`.
  server: { proxy: { '/api': 'http://127.0.0.1:8787', '/stills': 'http://127.0.0.1:8787', '/thumbnails': 'http://127.0.0.1:8787' } },
});
