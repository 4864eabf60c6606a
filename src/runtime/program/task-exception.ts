const MARK = Symbol.for('metakernel.task-exception');

/**
 * Thrown by a task to end its group: the task itself counts as completed, the tasks of its groups that have not ended are
 * cancelled, and the group's barrier throws this error.
 */
export class TaskException extends Error {
  readonly [MARK] = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TaskException';
  }
}

/** By mark and not by class: user code may hold another copy of this module. */
export const isTaskException = (error: unknown): error is TaskException => error instanceof Error && MARK in error;
