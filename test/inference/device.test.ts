import { afterEach, describe, expect, it } from 'vitest';
import { resolveDevice } from '../../src/inference/device.js';
import { probeDevice, type ProbeReport } from '../../src/inference/probe.js';
import { probeModel, probePixels } from '../../src/inference/probe-model.js';
import { openSession } from '../../src/inference/session.js';
import { cosineOf } from '../support/run-graph.js';
import { SOFTWARE_VULKAN } from '../support/software-vulkan.js';

const probe =
  (answers: Readonly<Record<string, ProbeReport>>) =>
  ({ device }: { device: string }): Promise<ProbeReport> =>
    Promise.resolve(answers[device] ?? { works: false, why: 'not there' });

describe('resolveDevice', () => {
  it('takes the CPU without a trial when asked to', async () => {
    const never = (): Promise<ProbeReport> => Promise.reject(new Error('tried'));
    expect(await resolveDevice({ device: 'cpu', threads: 3 }, never)).toEqual({
      name: 'cpu',
      reason: 'as asked',
      threads: 3,
      batchLimit: 1,
    });
  });

  it('takes the fastest that is worth it', async () => {
    const found = await resolveDevice({}, probe({ webgpu: { works: true, speedup: 6 }, cuda: { works: true, speedup: 4 } }));
    expect(found).toMatchObject({ name: 'webgpu', reason: '6.0× as fast as the CPU in a trial' });
    expect(found.batchLimit).toBeGreaterThan(1);
  });

  it.each([
    ['nothing works', {}, 'not there'],
    ['a simulation in software', { webgpu: { works: true, speedup: 0 } }, 'far slower'],
    ['little gain', { webgpu: { works: true, speedup: 1.1 } }, 'only 1.1×'],
  ] as const)('falls back to the CPU and says why: %s', async (_, answers, why) => {
    const found = await resolveDevice({}, probe(answers));
    expect(found.name).toBe('cpu');
    expect(found.reason).toContain(why);
  });

  it('refuses a device that was asked for and does not work', async () => {
    await expect(resolveDevice({ device: 'webgpu' }, probe({}))).rejects.toMatchObject({
      code: 'device-unavailable',
      message: 'The device webgpu does not work here: not there.',
    });
  });

  it('survives an execution provider that is not there', async () => {
    const absent = process.platform === 'win32' ? 'coreml' : 'dml';
    expect(await probeDevice({ device: absent, threads: 1, compareSpeed: false })).toMatchObject({ works: false });
  });
});

describe.skipIf(SOFTWARE_VULKAN === undefined)('webgpu on a software Vulkan', () => {
  const before = process.env['VK_DRIVER_FILES'];
  afterEach(() => {
    if (before === undefined) delete process.env['VK_DRIVER_FILES'];
    else process.env['VK_DRIVER_FILES'] = before;
  });

  it('computes what the CPU computes', async () => {
    process.env['VK_DRIVER_FILES'] = SOFTWARE_VULKAN;
    const { graph, side } = await probeModel('small');
    const embeddings: Float32Array[] = [];
    for (const name of ['cpu', 'webgpu'] as const) {
      const session = await openSession({
        graph,
        input: { width: side, height: side },
        device: { name, reason: '', threads: 1, batchLimit: 1 },
        outputs: ['embedding'],
      });
      embeddings.push((await session.run(probePixels(side), 1))['embedding']!);
      await session.release();
    }
    expect(cosineOf(embeddings[0]!, embeddings[1]!)).toBeGreaterThan(0.99999);
  }, 240_000);

  it('is found to be too slow to take', async () => {
    process.env['VK_DRIVER_FILES'] = SOFTWARE_VULKAN;
    const report = await probeDevice({ device: 'webgpu', threads: 1, compareSpeed: true });
    // By a factor of hundreds; a slow machine gives up before it has measured it, which counts as 0.
    expect(report.works && report.speedup !== null && report.speedup < 1).toBe(true);
  }, 240_000);
});
