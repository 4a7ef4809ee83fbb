/** The work, or what the signal was aborted with, whichever comes first. Leaves no listener behind; ending the work is the caller's. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let listener: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    listener = () => reject(signal.reason as Error);
    if (signal.aborted) listener();
    else signal.addEventListener('abort', listener);
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', listener!);
    work.catch(() => undefined); // nobody hears any more how it ended
  }
}
