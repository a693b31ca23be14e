import { render } from 'preact';
import { ProceduresPage } from './procedures-page.js';

const root = document.getElementById('app');
if (root !== null) render(<ProceduresPage />, root);
