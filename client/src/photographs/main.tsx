import { render } from 'preact';
import { forgetToken } from '../forget-token.js';
import { PhotographsPage } from './page.js';

const id = new URLSearchParams(location.search).get('procedure') ?? '';
forgetToken();

const root = document.getElementById('app');
if (root !== null) render(<PhotographsPage id={id} />, root);
