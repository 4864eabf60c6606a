import { z } from 'zod';

/** `GET /jobmanager/jobs/{id}/story`: one move of a job. States are phases as in docs/states/job.mmd. */
export const storyLine = z.object({
  at: z.string(),
  event: z.string(),
  from: z.string(),
  to: z.string(),
  detail: z.string(),
});
export type StoryLine = z.output<typeof storyLine>;
