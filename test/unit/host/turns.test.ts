import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Turns } from '../../../src/core/host/turns';

const NEVER = new AbortController().signal;
const LONG = 60_000;

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return (await Promise.race([promise, sleep(5, pending)])) !== pending;
}

describe('turns', () => {
  it('are taken by so many at a time, in the order in which they came', async () => {
    const turns = new Turns(2, LONG);
    const [first, second] = [await turns.take(NEVER), await turns.take(NEVER)];
    const [third, fourth] = [turns.take(NEVER), turns.take(NEVER)];
    assert.equal(await isSettled(third), false);
    second();
    const endThird = await third;
    assert.equal(await isSettled(fourth), false);
    first();
    for (const end of [endThird, await fourth]) end();
  });

  it('that are ended twice are ended once', async () => {
    const turns = new Turns(1, LONG);
    const end = await turns.take(NEVER);
    end();
    end();
    const next = await turns.take(NEVER);
    const waiting = turns.take(NEVER);
    assert.equal(await isSettled(waiting), false);
    next();
    (await waiting)();
  });

  it('of one who is slow are given to the next, and count once', async () => {
    const turns = new Turns(1, 1);
    const slow = await turns.take(NEVER);
    const next = await turns.take(NEVER);
    slow();
    next();
  });

  it('are not waited for any more once nobody wants them', async () => {
    const turns = new Turns(1, LONG);
    const end = await turns.take(NEVER);
    const abort = new AbortController();
    const leaving = turns.take(abort.signal);
    const staying = turns.take(NEVER);
    abort.abort(new Error('gone'));
    await assert.rejects(leaving, /gone/);
    end();
    (await staying)();
    await assert.rejects(turns.take(abort.signal), /gone/);
  });
});
