/** `agent-process-entry.ts <options as JSON>`: a `TestAgent` that tells its port and its state over IPC. */
import type { AgentQuestion } from './agent-process.ts';
import { TestAgent, type TestAgentOptions } from './agents.ts';

process.on('disconnect', () => process.exit(0));
const agent = await TestAgent.start(JSON.parse(process.argv[2] ?? '{}') as TestAgentOptions);
process.on('message', (question: AgentQuestion) => {
  if (question.ask === 'state') process.send?.(agent.state());
  else void agent.add(question.name, question.port).then(() => process.send?.('added'));
});
process.send?.({ port: agent.port });
