import { render } from 'preact';
import { SearchPage } from './search-page.js';

const root = document.getElementById('app');
if (root !== null) render(<SearchPage />, root);
