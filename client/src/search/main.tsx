import { render } from 'preact';
import { forgetToken } from '../forget-token.js';
import { SearchPage } from './search-page.js';

forgetToken();
const root = document.getElementById('app');
if (root !== null) render(<SearchPage />, root);
