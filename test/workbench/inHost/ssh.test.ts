import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { BackOff } from '../../../src/extension/backOff';
import type { Question } from '../../../src/core/host/source';
import { autoRefreshSeconds, timeoutSeconds } from '../../../src/extension/config';
import { HostService } from '../../../src/extension/hostService';
import { OneAtATime, Reading } from '../../../src/extension/reading';
import { LOCAL } from '../../../src/extension/sources';
import { closeEditors, eventually, ours, show } from './support';

const NOBODY = 'nobody@127.0.0.1:1';

function setHosts(hosts: readonly unknown[] | undefined): Thenable<void> {
  return vscode.workspace.getConfiguration('cgroupLens').update('hosts', hosts, vscode.ConfigurationTarget.Global);
}

describe('a host in the setting', () => {
  before(() => ours().activate());
  after(async () => {
    await setHosts(undefined);
    await closeEditors();
  });

  it('is read when it is looked at: SSH is loaded then, and not before', async () => {
    const bundles = (): string[] => Object.keys(require.cache).filter(file => file.startsWith(ours().extensionPath) && file.endsWith('ssh.js'));
    const uri = vscode.Uri.from({ scheme: 'cgroup-lens', authority: Buffer.from(`ssh:${NOBODY}`, 'utf8').toString('hex'), path: `/${NOBODY}/guest.placement` });
    const document = await show(uri);
    assert.match(document.getText(), /this host or capture is not open in this window/);
    assert.deepEqual(bundles(), []);
    await setHosts([NOBODY, '$(id)', 42]);
    await eventually(() => assert.doesNotMatch(document.getText(), /not open in this window/));
    await vscode.commands.executeCommand('cgroupLens.refreshHost', `ssh:${NOBODY}`);
    await eventually(() => assert.match(document.getText(), /^not connected: nobody@127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/));
    assert.equal(bundles().length, 1);
    await setHosts([]);
    await eventually(() => assert.match(document.getText(), /this host or capture is not open in this window/));
  });
});

describe('the settings that a folder may have', () => {
  const set = (name: string, value: number | undefined): Thenable<void> => vscode.workspace.getConfiguration('cgroupLens').update(name, value, vscode.ConfigurationTarget.Workspace);
  after(async () => {
    for (const name of ['autoRefresh', 'timeout']) await set(name, undefined);
  });

  it('neither hammer a host nor overflow a timer', async () => {
    for (const [value, seconds] of [[0.001, 1], [1e9, 86_400], [5, 5]] as const) {
      for (const name of ['autoRefresh', 'timeout']) await set(name, value);
      assert.deepEqual([autoRefreshSeconds(), timeoutSeconds()], [seconds, seconds], `${value}`);
    }
    for (const name of ['autoRefresh', 'timeout']) await set(name, 0);
    assert.deepEqual([autoRefreshSeconds(), timeoutSeconds()], [0, 1]);
  });
});

describe('the time of a reading', () => {
  it('runs out', async () => {
    const reading = new Reading(30, false);
    await eventually(() => assert.ok(reading.signal.aborted));
    assert.equal(reading.timedOut, true);
  });

  it('stands still while a person is asked, and goes on afterwards', async () => {
    const reading = new Reading(60, true);
    await reading.untimed(() => reading.untimed(() => sleep(150)));
    assert.equal(reading.signal.aborted, false);
    await eventually(() => assert.equal(reading.timedOut, true));
  });

  it('does not matter once there is an answer, or a person has ended it', async () => {
    const answered = new Reading(20, true);
    const cancelled = new Reading(20, true);
    answered.end();
    cancelled.cancel();
    cancelled.end();
    await answered.untimed(() => sleep(1));
    await sleep(60);
    assert.deepEqual([answered.signal.aborted, answered.timedOut, cancelled.timedOut], [false, false, false]);
  });
});

describe('the readings of a host', () => {
  it('run one at a time, and none is taken for another', async () => {
    const [byItself, asked] = [new Reading(Infinity, false), new Reading(Infinity, true)];
    const readings = new OneAtATime();
    const seen: (Reading | undefined)[] = [];
    const look = async (): Promise<void> => {
      seen.push(readings.now);
      await sleep(20);
      seen.push(readings.now);
    };
    const failing = readings.run(byItself, () => look().then(() => Promise.reject(new Error('no'))));
    await Promise.all([assert.rejects(failing, /no/), readings.run(asked, look)]);
    assert.deepEqual(seen.map(one => [byItself, asked].indexOf(one!)), [0, 0, 1, 1]);
    assert.equal(readings.now, undefined);
  });

  it('do not pay for the others\' time, and leave the queue when nobody wants them', async () => {
    const [first, patient, unwanted] = [new Reading(Infinity, true), new Reading(60, true), new Reading(Infinity, true)];
    const readings = new OneAtATime();
    const ran: string[] = [];
    const busy = readings.run(first, () => sleep(150));
    const left = readings.run(unwanted, async () => void ran.push('unwanted'));
    const waited = readings.run(patient, async () => void ran.push('patient'));
    unwanted.cancel();
    await assert.rejects(left, { name: 'AbortError' });
    assert.equal(readings.now, first);
    await Promise.all([busy, waited]);
    patient.end();
    assert.deepEqual([ran, patient.timedOut], [['patient'], false]);
  });
});

describe('a question to a host', () => {
  it('is put to it no more when the host is closed', async () => {
    const memento = { get: (_: string, otherwise: unknown) => otherwise } as vscode.Memento;
    const hosts = new HostService(memento, {} as vscode.LogOutputChannel);
    const endless: Question<void> = { command: () => ({ argv: ['sleep', '600'], prelude: '', stdin: '' }), decoder: () => ({ push: () => true, finish: () => undefined }) };
    const asked = hosts.ask(LOCAL, endless);
    setTimeout(() => hosts.dispose(), 50);
    await assert.rejects(asked, { name: 'CollectError', reason: 'cancelled' });
  });
});

describe('a host that keeps failing', () => {
  it('is left alone for 10, 20, 40 … 300 seconds, until it answers or a person asks', () => {
    let now = 0;
    const backOff = new BackOff(() => now);
    assert.equal(backOff.isOver, true);
    for (const seconds of [10, 20, 40, 80, 160, 300, 300]) {
      backOff.failed();
      now += seconds * 1000 - 1;
      assert.equal(backOff.isOver, false, `${seconds}`);
      now += 1;
      assert.equal(backOff.isOver, true, `${seconds}`);
    }
    backOff.failed();
    backOff.reset();
    assert.equal(backOff.isOver, true);
  });
});
