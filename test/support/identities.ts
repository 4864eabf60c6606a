import { RuntimeError } from '../../src/common/errors.ts';
import type { Authenticator, Role } from '../../src/controller/iam/authenticator.ts';
import { createNoAuth } from '../../src/controller/iam/no-auth.ts';

/** Knows everybody who says `Bearer <subject>:<role>`, or sends that as `api_key`: routes without an issuer. */
export const byText: Authenticator = {
  ...createNoAuth(['127.0.0.1']),
  verify: ({ authorization, api_key }) => {
    const token = authorization?.replace(/^Bearer /, '') ?? (typeof api_key === 'string' ? api_key : '');
    const match = /^([\w-]+):(\w+)$/.exec(token);
    if (match === null) return Promise.reject(new RuntimeError('ERR_AUTH_REQUIRED'));
    const [, subject = '', role] = match;
    const accessToken = token;
    return Promise.resolve({ subject, username: subject, roles: new Set([role as Role]), accessToken });
  },
  login: (username) => Promise.resolve(`${username}:user`),
  serviceToken: () => Promise.resolve('job-manager:service'),
};

export const bearer = (subject: string, role: Role): { readonly authorization: string } => ({
  authorization: `Bearer ${subject}:${role}`,
});
