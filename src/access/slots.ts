/** How many may be under way at once. */
export interface Slots {
  /** @returns gives the slot back, which may be done twice; `undefined` when all are taken, or all of this person's */
  take(person: string): (() => void) | undefined;
}

/**
 * Slots of one thing that takes long and one instance, so that one that hangs, or one person, takes them from nobody else.
 *
 * @param limits how many there are in `all`, any number unless given, and for `each` person
 */
export function createSlots({ all = Infinity, each }: { all?: number; each: number }): Slots {
  const taken = new Map<string, number>();
  let total = 0;
  const count = (person: string, by: number) => {
    const left = (taken.get(person) ?? 0) + by;
    if (left > 0) taken.set(person, left);
    else taken.delete(person);
    total += by;
  };
  return {
    take(person) {
      if (total >= all || (taken.get(person) ?? 0) >= each) return undefined;
      count(person, 1);
      let isBack = false;
      return () => {
        if (isBack) return;
        isBack = true;
        count(person, -1);
      };
    },
  };
}
