import { describe, expect, it } from 'vitest';
import { type Identity, mayAccess, type Role, requirePermission } from '../../../src/controller/iam/authenticator.ts';
import { createNoAuth, isLoopback } from '../../../src/controller/iam/no-auth.ts';

const identity = (subject: string, ...roles: Role[]): Identity => ({
  subject,
  username: subject,
  roles: new Set(roles),
  accessToken: undefined,
});

describe('permissions', () => {
  it('lets a user write deployments and not execute jobs', () => {
    const ann = identity('ann', 'user');
    expect(() => requirePermission(ann, 'deployments:write')).not.toThrow();
    expect(() => requirePermission(ann, 'jobs:execute')).toThrow(expect.objectContaining({ code: 'ERR_FORBIDDEN' }));
  });

  it('names the roles that would have been enough', () => {
    expect(() => requirePermission(identity('ann', 'user'), 'controllers:register')).toThrow(
      /controller, service, admin/,
    );
  });

  it('keeps one user away from what another owns', () => {
    expect(mayAccess(identity('ann', 'user'), 'ann')).toBe(true);
    expect(mayAccess(identity('ann', 'user'), 'bob')).toBe(false);
    expect(mayAccess(identity('ann', 'user'), null)).toBe(false);
    expect(mayAccess(identity('root', 'admin'), 'bob')).toBe(true);
    expect(mayAccess(identity('driver', 'service'), null)).toBe(true);
  });
});

describe('--auth none', () => {
  it('is refused on an address others can reach', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.4', 'example.org', '127.evil.org']) {
      expect(() => createNoAuth([host])).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
    }
  });

  it('makes everybody the local administrator on loopback', async () => {
    const auth = createNoAuth(['127.0.0.1', '::1', 'localhost']);
    const who = await auth.verify({});
    expect(who.roles.has('admin')).toBe(true);
    expect(await auth.serviceToken()).toBeUndefined();
    expect((await auth.login('a', 'b')).length).toBeGreaterThanOrEqual(50);
  });

  it('knows loopback addresses', () => {
    expect(['127.0.0.1', '127.3.4.5', '::1', '[::1]', 'localhost'].every(isLoopback)).toBe(true);
  });
});
