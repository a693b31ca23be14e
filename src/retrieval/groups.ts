/** Joins things that belong together (disjoint sets). */
export class Groups {
  readonly #parent: Int32Array;

  constructor(count: number) {
    this.#parent = Int32Array.from({ length: count }, (_, item) => item);
  }

  join(a: number, b: number): void {
    const [rootA, rootB] = [this.of(a), this.of(b)];
    this.#parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  }

  /** The group of an item, named by its first member. */
  of(item: number): number {
    let root = item;
    while (this.#parent[root] !== root) {
      const parent = this.#parent[root] ?? root;
      this.#parent[root] = this.#parent[parent] ?? parent;
      root = parent;
    }
    return root;
  }
}
