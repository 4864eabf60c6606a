import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../../src/common/errors.ts';
import { type Body, type BodyName, type Dialect, parseBody } from '../../../src/contracts/agent/bodies.ts';
import { jsonStartApplication } from '../../../src/contracts/agent/json-write.ts';
import { writeEndApplication, writeStartApplication } from '../../../src/contracts/agent/xml-write.ts';
import * as golden from '../../support/agent-bodies.ts';

const element = (className: string, value: unknown) => ({ form: 'element', className, value });
const base = { direction: 'IN', stream: 'UNSPECIFIED' };

function refusal<Name extends BodyName>(name: Name, dialect: Dialect, body: string): RuntimeError {
  let read: Body<Name>;
  try {
    read = parseBody(name, dialect, body);
  } catch (error) {
    expect(error).toBeInstanceOf(RuntimeError);
    return error as RuntimeError;
  }
  throw new Error(`was accepted as ${JSON.stringify(read)}`);
}

const start = (inside: string): string =>
  `<startApplication><className>m</className><methodName>f</methodName>${inside}</startApplication>`;
const parameter = (inside: string): string => start(`<parameters><params>${inside}</params></parameters>`);

describe('bodies of the scripts of COMPSs', () => {
  it('reads a Java main with its array of arguments', () => {
    const request = parseBody('startApplication', 'xml', golden.JAVA_MAIN_XML);
    expect(request).toMatchObject({ language: 'JAVA', className: 'demo.Main', methodName: 'main', hasResult: false });
    expect(request.parameters).toEqual([
      {
        ...base,
        index: 0,
        name: 'args',
        type: 'OBJECT_T',
        value: {
          form: 'array',
          componentClassName: 'java.lang.String',
          values: [element('java.lang.String', 'alpha'), element('java.lang.String', 'b c')],
        },
      },
    ]);
  });

  it('takes base64 and the guard off the arguments of Python', () => {
    const request = parseBody('startApplication', 'xml', golden.PYTHON_XML);
    const values = request.parameters.map((entry) => entry.value);
    expect(values).toEqual(['3', '4', '/data/in.txt'].map((text) => element('java.lang.String', text)));
  });

  it('reads typed values and keeps document order whatever paramId says', () => {
    const request = parseBody('startApplication', 'xml', golden.TYPED_XML);
    expect(request.parameters).toEqual([
      { ...base, index: 0, name: 'a', type: 'INT_T', value: element('java.lang.Integer', 3) },
      { ...base, index: 1, type: 'FILE_T', value: element('java.lang.String', '/data/in.txt') },
    ]);
  });

  it('reads stop with forwarding', () => {
    const request = parseBody('startApplication', 'xml', golden.STOP_XML);
    expect(request.action).toEqual({ name: 'stop', forwardTo: ['http://10.0.0.2:46101', 'http://10.0.0.3:46101'] });
  });

  it('lets the later of action and orchestrator win', () => {
    const action = '<action><actionName>STOP</actionName></action>';
    const other = '<orchestrator><host>http://h:1/</host><method>GET</method><operation>x/</operation></orchestrator>';
    expect(parseBody('startApplication', 'xml', start(action + other))).not.toHaveProperty('action');
    expect(parseBody('startApplication', 'xml', start(other + action))).toMatchObject({ action: { name: 'stop' } });
  });

  it('reads a new resource and makes the unassigned absent', () => {
    expect(parseBody('addResources', 'xml', golden.ADD_XML)).toEqual({
      name: '10.0.0.9',
      adaptor: 'es.bsc.compss.agent.comm.CommAgentAdaptor',
      description: { processors: [{ name: 'MainProcessor', type: 'CPU', units: 4 }], memoryGb: 8 },
      projectProperties: {},
      resourceProperties: { Port: '46102' },
    });
  });

  it("reads NIO's own form of properties", () => {
    const body =
      '<newResource><nioResource><name>w</name><description/><adaptor>a</adaptor>' +
      '<resourceConf><MinPort>43001</MinPort><MaxPort>43002</MaxPort></resourceConf></nioResource></newResource>';
    const { resourceProperties } = parseBody('addResources', 'xml', body);
    expect(resourceProperties).toEqual({ MinPort: '43001', MaxPort: '43002' });
  });

  it('reads reduce, remove and lost', () => {
    expect(parseBody('removeResources', 'xml', golden.REDUCE_XML)).toEqual({
      name: '10.0.0.9',
      description: { processors: [{ name: 'MainProcessor', type: 'CPU', units: 1 }] },
    });
    expect(parseBody('lostNode', 'xml', golden.LOST_XML)).toEqual({ name: '10.0.0.9' });
    expect(parseBody('removeNode', 'xml', golden.REMOVE_XML)).toEqual({ name: '10.0.0.9' });
  });

  it('reads the end of an application and writes it as the Java client does', () => {
    const end = parseBody('endApplication', 'xml', golden.END_XML);
    expect(end).toEqual({
      jobId: '-123',
      endStatus: 'OK',
      profile: { executionEnd: 7, executionStart: 6, taskEnd: 9, taskSubmitted: 5 },
      results: [['storage://host/id1', 'x'], []],
    });
    const compact = golden.END_XML.replace(/>\s+</g, '><').replace('<results/>', '<results></results>');
    expect(writeEndApplication(end).replace(/^<\?.*\?>\n/, '')).toBe(compact);
  });

  it('ignores what it does not know, whatever the order', () => {
    const body = parameter(
      '<type>INT_T</type><extra a="1"><b/></extra><element><value xmlns:xsi="x" xsi:type="xs:int"> 7 </value></element><direction>IN</direction>',
    );
    expect(parseBody('startApplication', 'xml', body).parameters[0]).toMatchObject({
      type: 'INT_T',
      value: { value: 7 },
    });
  });

  it('keeps 64 bits exact', () => {
    const body = parameter(
      '<type>LONG_T</type><direction>IN</direction><element><className>java.lang.Long</className><value xsi:type="xs:long">-9223372036854775808</value></element>',
    );
    expect(parseBody('startApplication', 'xml', body).parameters[0]?.value).toMatchObject({ value: -(2n ** 63n) });
  });
});

describe('bodies of annex 6.1.4', () => {
  it('reads an application, in the order of the paramIds', () => {
    const request = parseBody('startApplication', 'json', JSON.stringify(golden.START_JSON));
    expect(request).toEqual({
      language: 'PYTHON',
      className: 'kmeans',
      methodName: 'train',
      hasResult: true,
      parameters: [
        {
          ...base,
          index: 0,
          name: 'data',
          type: 'FILE_T',
          contentType: 'FILE',
          value: { form: 'element', value: '/data/0_0.npy' },
        },
        { ...base, index: 1, name: 'k', type: 'INT_T', weight: 1, value: { form: 'element', value: 8 } },
      ],
      results: [{ index: 0, type: 'OBJECT_T', direction: 'OUT', stream: 'UNSPECIFIED' }],
    });
  });

  it('reads a resource with both spellings of the bandwidth and a type for each processor', () => {
    const parsed = parseBody('addResources', 'json', JSON.stringify(golden.ADD_JSON));
    expect(parsed).toEqual({
      name: '10.0.0.9',
      adaptor: 'es.bsc.compss.agent.comm.CommAgentAdaptor',
      description: {
        processors: [{ name: 'MainProcessor', type: 'CPU', units: 4, architecture: 'amd64' }],
        memoryGb: 8,
        memoryType: 'DDR4',
        storageGb: 100.5,
        storageType: 'SSD',
        storageBandwidth: 500,
      },
      projectProperties: { WorkingDir: '/tmp' },
      resourceProperties: { Port: '46102' },
    });
    const description = { storage_bandwidth: 7, processors: [{ name: 'g', type: 'GPU', units: 2 }] };
    const right = parseBody('addResources', 'json', JSON.stringify({ name: 'n', description }));
    expect(right.description).toEqual({ storageBandwidth: 7, processors: [{ name: 'g', type: 'GPU', units: 2 }] });
  });

  it('reads workerName and name, resources and description', () => {
    expect(parseBody('lostNode', 'json', '{"workerName":"a"}')).toEqual({ name: 'a' });
    expect(parseBody('removeNode', 'json', '{"name":"a"}')).toEqual({ name: 'a' });
    const body = { name: 'a', description: { processors: [{ name: 'MainProcessor', units: 1 }] } };
    expect(parseBody('removeResources', 'json', JSON.stringify(body)).description.processors).toHaveLength(1);
  });

  it('says the same in both dialects', () => {
    const request = parseBody('startApplication', 'xml', golden.JAVA_MAIN_XML);
    const json = JSON.stringify(jsonStartApplication(request));
    expect(parseBody('startApplication', 'json', json)).toEqual(request);
    expect(parseBody('startApplication', 'xml', writeStartApplication(request))).toEqual(request);
  });

  it.each([
    ['js', 'JS'],
    ['NODE', 'JS'],
    ['ts', 'JS'],
    ['Binary', 'BINARY'],
    ['CONTAINER', 'CONTAINER'],
    ['c', 'C'],
    ['UNKNOWN', 'UNKNOWN'],
  ])('takes the language %s as %s', (lang, language) => {
    const body = JSON.stringify({ lang, className: 'm', methodName: 'f' });
    expect(parseBody('startApplication', 'json', body).language).toBe(language);
  });
});

describe('what COMPSs takes without a word', () => {
  it('an empty stream, and weights and renamings that are none', () => {
    const odd = '<stdIOStream> </stdIOStream><weight>x</weight><keepRename>maybe</keepRename>';
    const [typed] = parseBody(
      'startApplication',
      'xml',
      golden.TYPED_XML.replace('<stdIOStream>UNSPECIFIED</stdIOStream>', odd),
    ).parameters;
    expect(typed).toMatchObject({ stream: 'UNSPECIFIED', type: 'INT_T' });
    expect(typed).not.toHaveProperty('weight');
    expect(typed).not.toHaveProperty('keepRename');
  });
});

describe('refused bodies', () => {
  const value = '<element><className>java.lang.String</className><value xsi:type="xs:string">x</value></element>';

  it.each([
    ['an unknown type', parameter(`<direction>IN</direction><type>INTEGER</type>${value}`), 'parameters[0].type'],
    [
      'an unknown direction',
      parameter(`<direction>in</direction><type>STRING_T</type>${value}`),
      'parameters[0].direction',
    ],
    ['no direction', parameter(`<type>STRING_T</type>${value}`), 'parameters[0].direction'],
    [
      'an unknown stream',
      parameter(`<direction>IN</direction><type>STRING_T</type><stdIOStream>NO</stdIOStream>${value}`),
      'parameters[0].stdIOStream',
    ],
    [
      'a value without xsi:type',
      parameter('<direction>IN</direction><type>STRING_T</type><element><value>x</value></element>'),
      'parameters[0].element.value',
    ],
    [
      'a class that is not the value’s',
      parameter(
        '<direction>IN</direction><type>INT_T</type><element><className>java.lang.String</className><value xsi:type="xs:int">1</value></element>',
      ),
      'parameters[0].element.className',
    ],
    [
      'a number that is none',
      parameter('<direction>IN</direction><type>INT_T</type><element><value xsi:type="xs:int">1.5</value></element>'),
      'parameters[0].element.value',
    ],
    [
      'a number too big',
      parameter('<direction>IN</direction><type>BYTE_T</type><element><value xsi:type="xs:int">128</value></element>'),
      'parameters[0].value',
    ],
    [
      'a read parameter without value',
      parameter('<direction>IN</direction><type>FILE_T</type>'),
      'parameters[0].value',
    ],
    ['no method', '<startApplication><className>m</className></startApplication>', 'methodName'],
    ['no class', '<startApplication><methodName>m</methodName></startApplication>', 'className'],
    [
      'a forward that is no URL',
      start('<action><actionName>stop</actionName><forwardTo><agent>file:///etc</agent></forwardTo></action>'),
      'action.forwardTo[0]',
    ],
  ])('names the field of %s', (_, body, field) => {
    expect(refusal('startApplication', 'xml', body)).toMatchObject({
      code: 'ERR_REQUEST_INVALID',
      status: 400,
      details: { field },
    });
  });

  it('names the field of a resource in the spelling of the dialect', () => {
    const xml = golden.ADD_XML.replace('<computingUnits>4<', '<computingUnits>-4<');
    expect(refusal('addResources', 'xml', xml).details['field']).toBe('description.processors[0].computingUnits');
    const json = JSON.stringify({ name: 'n', description: { processors: [{ name: 'p', units: -4 }] } });
    expect(refusal('addResources', 'json', json).details['field']).toBe('description.processors[0].units');
    expect(refusal('addResources', 'json', '{"name":"n"}').details['field']).toBe('description');
    expect(refusal('lostNode', 'json', '{}').details['field']).toBe('workerName');
  });

  it('answers 406 to a language it does not know', () => {
    const error = refusal('startApplication', 'xml', golden.PYTHON_XML.replace('PYTHON', 'COBOL'));
    expect(error).toMatchObject({ code: 'ERR_LANGUAGE_UNSUPPORTED', status: 406, message: 'Unsupported language.' });
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['an element that is not closed', '<startApplication><lang>JAVA</startApplication>'],
    ['two roots', '<startApplication/><startApplication/>'],
    ['another root', '<newResource/>'],
    ['an unknown entity', start('<ceiClass>&nbsp;</ceiClass>')],
    ['a bare ampersand', start('<ceiClass>a & b</ceiClass>')],
    ['a comment that is not closed', '<!-- <startApplication/>'],
    ['a character that XML has not', start('<ceiClass>&#0;</ceiClass>')],
  ])('calls %s malformed XML', (_, body) => {
    expect(refusal('startApplication', 'xml', body)).toMatchObject({ code: 'ERR_REQUEST_MALFORMED', status: 400 });
  });

  it('refuses a DTD, and with it entity expansion and external entities', () => {
    const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
    const bombs = [
      `<!DOCTYPE x [<!ENTITY l0 "lol">${laughs}]>${start('<ceiClass>&l9;</ceiClass>')}`,
      `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${start('<ceiClass>&e;</ceiClass>')}`,
      `<?xml version="1.0"?><!doctype x>${start('')}`,
    ];
    for (const bomb of bombs) expect(refusal('startApplication', 'xml', bomb).code).toBe('ERR_XML_DTD_REFUSED');
  });

  it('but takes a DTD as the text of an argument', () => {
    const body = start('<ceiClass><![CDATA[<!DOCTYPE html> &amp;]]></ceiClass>');
    expect(parseBody('startApplication', 'xml', body).ceiClass).toBe('<!DOCTYPE html> &amp;');
  });

  it('limits depth and count before it builds anything', () => {
    const deep = start('<array>'.repeat(100_000) + '</array>'.repeat(100_000));
    expect(refusal('startApplication', 'xml', deep).status).toBe(400);
    expect(refusal('startApplication', 'xml', start('<a/>'.repeat(300_000))).code).toBe('ERR_REQUEST_LIMIT');
    expect(refusal('startApplication', 'json', '['.repeat(100_000)).code).toBe('ERR_REQUEST_LIMIT');
    expect(refusal('startApplication', 'json', `[${'1,'.repeat(300_000)}1]`).code).toBe('ERR_REQUEST_LIMIT');
  });

  it('is not touched by __proto__ keys', () => {
    const pollution =
      '{"className":"m","methodName":"f","lang":"JS","__proto__":{"polluted":1},"settings":{"\\u005f_proto__":{"polluted":1},"a":1}}';
    const request = parseBody('startApplication', 'json', pollution);
    expect(request.settings).toEqual({ a: 1 });
    expect(Object.getPrototypeOf(request.settings)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const resource = {
      name: 'n',
      description: {},
      resourcesConf: [
        { Name: '__proto__', Value: 'x' },
        { Name: 'constructor', Value: 'y' },
      ],
    };
    const { resourceProperties } = parseBody('addResources', 'json', JSON.stringify(resource));
    expect(Object.entries(resourceProperties)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('reads a signed 64-bit job id only', () => {
    for (const id of ['9223372036854775808', '1e3', '0x1', '-0', '', 'abc']) {
      const body = golden.END_XML.replace('-123', id);
      expect(refusal('endApplication', 'xml', body).details['field']).toBe('jobId');
    }
  });
});
