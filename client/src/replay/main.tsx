import { render } from 'preact';
import { ReplayPage } from './replay-page.js';

const id = new URLSearchParams(location.search).get('procedure') ?? '';
const root = document.getElementById('app');
if (root !== null) render(<ReplayPage id={id} />, root);
