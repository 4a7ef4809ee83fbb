/**
 * A map that is never changed: `with` makes another one and shares what stays. A plan of thousands of steps makes as
 * many of them, so it is kept as layers, each less than half as large as the one below: both to read and to add one
 * entry costs a logarithm.
 */
export class Layers<K, V> {
  private constructor(private readonly layers: readonly ReadonlyMap<K, V>[]) {}

  static of<K, V>(base: ReadonlyMap<K, V>): Layers<K, V> {
    return new Layers([base]);
  }

  get(key: K): V | undefined {
    for (let i = this.layers.length - 1; i >= 0; i--) if (this.layers[i]!.has(key)) return this.layers[i]!.get(key);
    return undefined;
  }

  with(changes: Iterable<readonly [K, V]>): Layers<K, V> {
    let top: ReadonlyMap<K, V> = new Map(changes);
    if (top.size === 0) return this;
    const below = [...this.layers];
    while (below.length > 1 && below.at(-1)!.size <= top.size * 2) top = new Map([...below.pop()!, ...top]);
    return new Layers([...below, top]);
  }

  /** Whether there is an entry, be it `undefined`. */
  has(key: K): boolean {
    return this.layers.some(layer => layer.has(key));
  }
}
