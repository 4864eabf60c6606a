/** Bodies exactly as the shell scripts of COMPSs send them, for the agents of a test. */
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"';
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

interface ScriptCall {
  readonly language?: string;
  readonly className: string;
  readonly methodName: string;
  readonly args?: readonly string[];
  /** `--stop`, with the agents of `--forward_to`. */
  readonly stop?: readonly string[];
  /** Further elements of the body. */
  readonly more?: string;
}

const python = (text: string): string => Buffer.from(`#${text}`).toString('base64');

function parameter(index: number, text: string): string {
  return `
    <params paramId="${index}">
      <direction>IN</direction><paramName></paramName><prefix></prefix><contentType></contentType>
      <stdIOStream>UNSPECIFIED</stdIOStream><type>STRING_64_T</type>
      <element paramId="${index}"><className>java.lang.String</className>
        <value ${XSI} xsi:type="xs:string">${text}</value></element>
    </params>`;
}

/** `compss_agent_call_operation`. */
export function callBody({ language = 'JS', className, methodName, args = [], stop, more = '' }: ScriptCall): string {
  const texts = args.map((text, index) => parameter(index, language === 'PYTHON' ? python(text) : text));
  const agents = (stop ?? []).map((agent) => `<agent>${agent}</agent>`).join('');
  return `${HEAD}<startApplication>
  <lang>${language}</lang>
  <className>${className}</className>
  <hasResult>false</hasResult>
  <methodName>${methodName}</methodName>
  <parameters>${texts.join('')}
  </parameters>
  ${stop === undefined ? '' : `<action><actionName>stop</actionName><forwardTo>${agents}</forwardTo></action>`}${more}
</startApplication>`;
}

const description = (units: number, memory = -1): string => `
      <processors>
        <processor>
          <name>MainProcessor</name><type>CPU</type><architecture>[unassigned]</architecture><computingUnits>${units}</computingUnits>
          <internalMemory>-1.0</internalMemory><propName>[unassigned]</propName><propValue>[unassigned]</propValue><speed>-1.0</speed>
        </processor>
      </processors>
      <memorySize>${memory}</memorySize><memoryType>[unassigned]</memoryType>
      <storageSize>-1.0</storageSize><storageType>[unassigned]</storageType>
      <operatingSystemDistribution>[unassigned]</operatingSystemDistribution><operatingSystemType>[unassigned]</operatingSystemType>
      <operatingSystemVersion>[unassigned]</operatingSystemVersion>
      <pricePerUnit>-1.0</pricePerUnit><priceTimeUnit>-1</priceTimeUnit><value>0.0</value><wallClockLimit>-1</wallClockLimit>`;

export const COMM = 'es.bsc.compss.agent.comm.CommAgentAdaptor';
export const REST = 'es.bsc.compss.agent.rest.master.Adaptor';

/** `compss_agent_add_resources`. */
export function addBody(
  name: string,
  units: number,
  adaptor: string,
  properties: Readonly<Record<string, string | number>>,
): string {
  const list = Object.entries(properties).map(
    ([key, value]) => `<Property><Name>${key}</Name><Value>${value}</Value></Property>`,
  );
  return `${HEAD}<newResource>
  <externalResource>
    <name>${name}</name>
    <description>${description(units)}
    </description>
    <adaptor>${adaptor}</adaptor>
    <resourceConf xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ResourcesExternalAdaptorProperties">
      ${list.join('\n      ')}
    </resourceConf>
  </externalResource>
</newResource>`;
}

/** `compss_agent_reduce_resources`. */
export const reduceBody = (name: string, units: number): string =>
  `${HEAD}<reduceNode><workerName>${name}</workerName><resources>${description(units)}</resources></reduceNode>`;

/** `compss_agent_lost_resource`, and its twin that no script sends. */
export const workerBody = (root: 'lostNode' | 'removeNode', name: string): string =>
  `${HEAD}<${root}><workerName>${name}</workerName></${root}>`;

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** As `curl -s -X METHOD URL -H content-type -d BODY` does. */
export async function curl(
  method: 'GET' | 'PUT' | 'DELETE',
  url: string,
  body?: string,
  type = 'application/xml',
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: { accept: '*/*', ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}
