/** The issuer of the tests as a service of the compose file. */
import { env } from 'node:process';
import { startIssuer } from '../controller/oidc-issuer.ts';

const { url } = await startIssuer({
  host: '0.0.0.0',
  port: 8080,
  url: env['ISSUER_URL'] ?? 'http://issuer:8080',
  clients: { metakernel: env['CLIENT_SECRET'] ?? '' },
  audience: 'metakernel',
  users: { first: { password: env['FIRST_USER_PASSWORD'] ?? '', roles: ['metakernel-admin', 'metakernel-user'] } },
});
console.log(`issuer ${url}`);
