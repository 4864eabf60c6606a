/** What every deployment driver must do, whatever it deploys to. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Deployment,
  DeploymentDriver,
  DeploymentId,
  DeploymentState,
} from '../../src/controller/deployment/driver.ts';

export interface DriverCase extends AsyncDisposable {
  readonly driver: DeploymentDriver;
  readonly place: Deployment['target'];
  /** Manifests of something that runs in `replicas` copies; another `variant` differs and must replace it. */
  manifests(replicas: number, variant?: string): readonly string[];
  /** Manifests that this orchestrator cannot run, and the condition reason that must say so. */
  readonly impossible: { readonly manifests: readonly string[]; readonly reason: string };
  /** Identities of the copies that run now: a copy that was started anew has another one. */
  running(id: DeploymentId): Promise<readonly string[]>;
  /** Ends one copy as an accident would. */
  crash(id: DeploymentId): Promise<void>;
}

export function describeDeploymentDriver(name: string, create: () => Promise<DriverCase>): void {
  describe(`deployment driver ${name}`, () => {
    let driverCase: DriverCase;
    let driver: DeploymentDriver;
    beforeEach(async () => {
      driverCase = await create();
      driver = driverCase.driver;
    });
    afterEach(() => driverCase[Symbol.asyncDispose]());

    const signal = new AbortController().signal;
    const aDeployment = (manifests: readonly string[], id: string = randomUUID()): Deployment => ({
      id: id as DeploymentId,
      application: 'app',
      instance: randomUUID(),
      component: 'pool',
      namespace: 'app',
      target: driverCase.place,
      manifests,
    });
    const conditionOf = (state: DeploymentState, type: string) => {
      const found = state.conditions.filter((condition) => condition.type === type);
      expect(found.length).toBeLessThanOrEqual(1);
      return found[0];
    };
    /** The next change that nobody asked for and that `accept` takes. */
    const change = (accept: (state: DeploymentState) => boolean) =>
      new Promise<DeploymentState>((resolve) => {
        const unwatch = driver.watch((state) => {
          if (!accept(state)) return;
          unwatch();
          resolve(state);
        });
      });

    it('has an id that is a GUID, and serves its own place alone', () => {
      expect(driver.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
      expect(driver.serves(driverCase.place)).toBe(true);
      expect(driver.serves({ cluster: 'elsewhere', node: driverCase.place.node })).toBe(false);
    });

    it('brings about what the manifests say and shows it', async () => {
      const deployment = aDeployment(driverCase.manifests(2));
      const state = await driver.apply(deployment, signal);
      expect(state).toMatchObject({ id: deployment.id, status: 'available' });
      expect(state.uuid).toMatch(/^[0-9a-f-]{36}$/i);
      expect(state.name).not.toBe('');
      expect(conditionOf(state, 'Available')).toMatchObject({ status: 'True' });
      expect(await driverCase.running(deployment.id)).toHaveLength(2);
      expect(await driver.observe()).toEqual([state]);
    });

    it('leaves alone what stands already', async () => {
      const deployment = aDeployment(driverCase.manifests(2));
      const first = await driver.apply(deployment, signal);
      const before = await driverCase.running(deployment.id);
      expect(await driver.apply(deployment, signal)).toEqual(first);
      expect(await driverCase.running(deployment.id)).toEqual(before);
    });

    it('replaces what has changed', async () => {
      const deployment = aDeployment(driverCase.manifests(2, 'one'));
      const first = await driver.apply(deployment, signal);
      const before = await driverCase.running(deployment.id);
      const second = await driver.apply({ ...deployment, manifests: driverCase.manifests(1, 'two') }, signal);
      expect(second).toMatchObject({ status: 'available', uuid: first.uuid });
      const after = await driverCase.running(deployment.id);
      expect(after).toHaveLength(1);
      expect(before).not.toContain(after[0]);
    });

    it('says why it cannot, runs nothing then, and recovers when it can', async () => {
      const { manifests, reason } = driverCase.impossible;
      const deployment = aDeployment(manifests);
      const refused = await driver.apply(deployment, signal);
      expect(refused.status).toBe('degraded');
      expect(conditionOf(refused, 'Degraded')).toMatchObject({
        status: 'True',
        reason,
        message: expect.stringMatching(/.{10}/),
      });
      expect(await driverCase.running(deployment.id)).toEqual([]);
      const recovered = await driver.apply({ ...deployment, manifests: driverCase.manifests(1) }, signal);
      expect(recovered.status).toBe('available');
      expect(conditionOf(recovered, 'Degraded')).toMatchObject({ status: 'False' });
    });

    it('scales up and down, never to nothing, and keeps that when it is applied again', async () => {
      const deployment = aDeployment(driverCase.manifests(1));
      await driver.apply(deployment, signal);
      await driver.update(deployment, 'scale-up', signal);
      expect(await driverCase.running(deployment.id)).toHaveLength(2);
      expect((await driver.apply(deployment, signal)).status).toBe('available');
      expect(await driverCase.running(deployment.id)).toHaveLength(2);
      for (let times = 0; times < 3; times += 1) await driver.update(deployment, 'scale-down', signal);
      expect(await driverCase.running(deployment.id)).toHaveLength(1);
    });

    it('removes everything, and removing what is not there is no error', async () => {
      const deployment = aDeployment(driverCase.manifests(2));
      await driver.apply(deployment, signal);
      await driver.remove(deployment.id, signal);
      expect(await driverCase.running(deployment.id)).toEqual([]);
      expect(await driver.observe()).toEqual([]);
      await driver.remove(deployment.id, signal);
      await driver.remove(randomUUID() as string as DeploymentId, signal);
    });

    it('takes the operations on one deployment in their order', async () => {
      const deployment = aDeployment(driverCase.manifests(1));
      const applied = driver.apply(deployment, signal);
      const removed = driver.remove(deployment.id, signal);
      expect((await applied).status).toBe('available');
      await removed;
      expect(await driverCase.running(deployment.id)).toEqual([]);
    });

    it('keeps deployments apart', async () => {
      const one = aDeployment(driverCase.manifests(1));
      const two = { ...aDeployment(driverCase.manifests(1)), namespace: 'other' };
      const states = await Promise.all([driver.apply(one, signal), driver.apply(two, signal)]);
      expect(new Set(states.map(({ uuid }) => uuid)).size).toBe(2);
      await driver.remove(one.id, signal);
      expect(await driverCase.running(two.id)).toHaveLength(1);
    });

    it('tells of a crash and of the recovery', async () => {
      const deployment = aDeployment(driverCase.manifests(2));
      await driver.apply(deployment, signal);
      const degraded = change(({ status }) => status === 'degraded');
      await driverCase.crash(deployment.id);
      const down = await degraded;
      expect(down.id).toBe(deployment.id);
      expect(conditionOf(down, 'Available')).toMatchObject({ status: 'False' });
      const current = (await driver.observe())[0]!;
      const up = current.status === 'available' ? current : await change(({ status }) => status === 'available');
      expect(conditionOf(up, 'Degraded')).toMatchObject({ status: 'False' });
      expect(await driverCase.running(deployment.id)).toHaveLength(2);
    });

    it('gives up when it is told to, and leaves nothing half done', async () => {
      const abort = new AbortController();
      const deployment = aDeployment(driverCase.manifests(4));
      abort.abort();
      await expect(driver.apply(deployment, abort.signal)).rejects.toThrow();
      expect(await driverCase.running(deployment.id)).toEqual([]);
    });
  });
}
