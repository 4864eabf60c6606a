/** Names and addresses that only this machine reaches. `127.example.org` is none: somebody else says where it leads. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
