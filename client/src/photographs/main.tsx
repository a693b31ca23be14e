import { render } from 'preact';
import { PhotographsPage } from './page.js';

const query = new URLSearchParams(location.search);
const id = query.get('procedure') ?? '';

// From here on the cookie lets this page in; the token need not be seen, photographed or bookmarked.
if (query.has('token')) {
  query.delete('token');
  history.replaceState(null, '', `${location.pathname}?${query.toString()}`);
}

const root = document.getElementById('app');
if (root !== null) render(<PhotographsPage id={id} />, root);
