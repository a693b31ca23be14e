/** Takes the token out of the address: from here on the cookie lets this page in, and the token need not be seen, photographed or bookmarked. */
export function forgetToken(): void {
  const url = new URL(location.href);
  if (!url.searchParams.has('token')) return;
  url.searchParams.delete('token');
  history.replaceState(null, '', url);
}
