import type { Rig } from '../rig/rig.ts';

/** Moves all clocks of a rig on by the same: those of its instances and that of the stand-in. */
export async function moveOn(rig: Rig, ms: number): Promise<void> {
  rig.entraShift += ms;
  await Promise.all(rig.instances.map(instance => instance.setClock({ shift: rig.entraShift })));
}

/** What a rig's clocks show, in milliseconds since the epoch. */
export const clockOf = (rig: Rig) => Date.now() + rig.entraShift;
