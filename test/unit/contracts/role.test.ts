import { describe, expect, it } from 'vitest';
import { lesserRole, mayAct, roleInNames, roleUri } from '../../../src/contracts/agent/role.ts';

describe('roles', () => {
  it.each([
    ['DNS:localhost, IP Address:127.0.0.1, URI:urn:metakernel:role:run', 'run'],
    ['URI:urn:metakernel:role:admin', 'admin'],
    ['URI:urn:metakernel:role:admin, URI:urn:metakernel:role:read', 'read'],
    ['URI:urn:metakernel:role:root', undefined],
    ['DNS:urn:metakernel:role:admin', undefined],
    ['DNS:"a, URI:urn:metakernel:role:admin, b"', undefined],
    ['DNS:"a\\", URI:urn:metakernel:role:admin, b"', undefined],
    [undefined, undefined],
  ])('the names %s carry the role %s', (names, role) => {
    expect(roleInNames(names)).toBe(role);
  });

  it('each includes those before it', () => {
    expect([mayAct('admin', 'read'), mayAct('run', 'run'), mayAct('read', 'run')]).toEqual([true, true, false]);
    expect([lesserRole('admin', 'run'), lesserRole('read', 'run'), roleUri('run')]).toEqual([
      'run',
      'read',
      'urn:metakernel:role:run',
    ]);
  });
});
