export { type Cluster, type NodeFault, type NodeModel, type UniformCluster, uniformCluster } from './cluster.ts';
export { accessTo, type ModelElement, type ModelProgram, type ModelTask, type ProgramStep } from './program.ts';
export { isProgramName, PROGRAMS, type ProgramName } from './programs/index.ts';
export type { ProgramShape } from './programs/shape.ts';
export { Random } from './random.ts';
export type { SimulationReport } from './report.ts';
export { type SimulationOptions, simulate } from './simulation.ts';
