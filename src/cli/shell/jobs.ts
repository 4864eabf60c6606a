import { z } from 'zod';
import { jobBody } from '../../contracts/icos/job.ts';
import { storyLine } from '../../contracts/icos/story.ts';
import { EXIT } from '../exit.ts';
import { table } from '../format.ts';
import { jobTable, jobText, shortTime } from './deployment-views.ts';
import { idIn, noArguments, shellCommand } from './shell-command.ts';

const JOBS = '/api/v3/job';

export const listJobs = shellCommand({
  name: 'jobs|job list',
  usage: '',
  summary: 'Parts of deployments, each on one target',
  options: { orchestrator: { kind: 'text', help: 'Only those of this orchestrator' } },
  async run(args, { connect, terminal, json }) {
    noArguments(args);
    const { orchestrator } = args.options;
    const query = orchestrator === undefined ? '' : `?orchestrator=${encodeURIComponent(orchestrator)}`;
    const jobs = await (await connect()).pages(`${JOBS}${query}`, jobBody);
    terminal.out(json ? JSON.stringify(jobs.map(({ raw }) => raw)) : jobTable(jobs.map(({ value }) => value)));
    return EXIT.ok;
  },
});

export const getJob = shellCommand({
  name: 'jobs|job get',
  usage: 'ID',
  summary: 'How a job is, with all that was said about it',
  options: {},
  async run(args, { connect, terminal, json }) {
    const { value, raw } = await (await connect()).json(`${JOBS}/${idIn(args, 'job')}`, jobBody);
    terminal.out(json ? JSON.stringify(raw) : jobText(value));
    return EXIT.ok;
  },
});

export const jobStory = shellCommand({
  name: 'jobs|job story',
  usage: 'ID',
  summary: 'How a job came to be where it is',
  options: {},
  async run(args, { connect, terminal, json }) {
    const { value, raw } = await (await connect()).json(`${JOBS}/${idIn(args, 'job')}/story`, z.array(storyLine));
    const rows = value.map(({ at, event, from, to, detail }) => [shortTime(at), event, from, to, detail]);
    terminal.out(json ? JSON.stringify(raw) : table(['AT', 'EVENT', 'FROM', 'TO', 'DETAIL'], rows));
    return EXIT.ok;
  },
});
