import { render } from 'preact';
import { forgetToken } from '../forget-token.js';
import { ProceduresPage } from './procedures-page.js';

forgetToken();
const root = document.getElementById('app');
if (root !== null) render(<ProceduresPage />, root);
