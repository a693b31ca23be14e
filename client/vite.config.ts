import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root,
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../dist/client', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The content policy allows no inline data for fonts, and files are cached for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npx vite --config client/vite.config.ts` beside a running `npm start`.
  server: { proxy: { '/api': 'http://127.0.0.1:8787', '/stills': 'http://127.0.0.1:8787', '/thumbnails': 'http://127.0.0.1:8787' } },
});
