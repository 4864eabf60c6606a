import { z } from 'zod';

/** `GET /jobmanager/reservations`: what the jobs on a node take of it, so that nothing is promised twice. */
export const reservation = z.object({
  cluster_name: z.string(),
  node_name: z.string(),
  /** Whether the jobs run: what they use is then missing from the node's measured free memory already. */
  running: z.boolean(),
  jobs: z.int().min(1),
  cpuMillis: z.int().min(0),
  memoryBytes: z.int().min(0),
  devices: z.array(z.string()),
});
export const reservationList = z.array(reservation);
export type ReservationBody = z.output<typeof reservation>;
