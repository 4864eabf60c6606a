import type { Parameter, PlainValue, StartApplication } from '../../contracts/agent/model.ts';
import { plainValue } from '../../contracts/agent/values.ts';
import type { CoreElement } from '../../runtime/model/core-element.ts';

/** A header is for people and for searches by line: longer values are cut. */
const MAX_VALUE_LENGTH = 200;

/** First lines of a job's output in debug, as COMPSs writes them; with the parameters of a call from outside. */
export function jobHeader({ implementations, signature }: CoreElement, request?: StartApplication): string {
  const { module, method, language } = implementations[0] ?? { module: signature, method: '', language: 'JS' };
  const kind = language === 'BINARY' || language === 'CONTAINER' ? language : 'METHOD';
  return [
    'WORKER - Parameters of execution:',
    `  * Method type: ${kind}`,
    `  * Method definition: [DECLARING CLASS=${module}, METHOD NAME=${method}]`,
    ...(request === undefined ? [] : parameterLines(request)),
    `  * Signature: ${signature}`,
    '',
  ].join('\n');
}

function parameterLines({ parameters, target, hasResult }: StartApplication): string[] {
  const line = (title: string, of: (parameter: Parameter) => string): string =>
    ['  * Parameter ', title, ':', ...parameters.map((parameter) => ` ${of(parameter)}`)].join('');
  return [
    line('types', typeOf),
    line('names', ({ name, index }) => name ?? String(index)),
    line('values', valueText),
    line('streams', ({ stream }) => stream),
    line('prefixes', ({ prefix }) => prefix ?? 'null'),
    `  * Has Target: ${target !== undefined}`,
    `  * Has Return: ${hasResult}`,
  ];
}

function typeOf({ type, value }: Parameter): string {
  if (value === undefined) return type;
  return (value.form === 'array' ? value.componentClassName : value.className) ?? type;
}

function valueText({ value }: Parameter): string {
  const text = value === undefined ? 'null' : textOf(plainValue(value)).replace(/\s+/g, ' ');
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)}...`;
}

const textOf = (value: PlainValue): string =>
  typeof value === 'string'
    ? value
    : JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
