/** Deals items to `hands` lists in turn, leaving out hands that get none. */
export function deal<Item>(items: readonly Item[], hands: number): Item[][] {
  const lists: Item[][] = Array.from({ length: hands }, () => []);
  items.forEach((item, index) => lists[index % hands]!.push(item));
  return lists.filter((list) => list.length > 0);
}

/** Waits for all, so that nothing runs on behind a failure, then throws the first failure. */
export async function settleAll<const Promises extends readonly unknown[]>(
  promises: Promises,
): Promise<{ -readonly [Index in keyof Promises]: Awaited<Promises[Index]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
