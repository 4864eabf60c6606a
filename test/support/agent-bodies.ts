/** Bodies as COMPSs's scripts and Java client send them, and their JSON twins of annex 6.1.4. */
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"';

export const JAVA_MAIN_XML = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<startApplication>
  <lang>JAVA</lang>
  <className>demo.Main</className>
  <hasResult>false</hasResult>
  <methodName>main</methodName>
  <parameters>
    <params paramId="0">
      <direction>IN</direction><paramName>args</paramName><prefix></prefix><contentType></contentType>
      <stdIOStream>UNSPECIFIED</stdIOStream><type>OBJECT_T</type>
      <array paramId="0">
        <componentClassname>java.lang.String</componentClassname>
        <values>
          <element paramId="0"><className>java.lang.String</className>
            <value ${XSI} xsi:type="xs:string">alpha</value></element>
          <element paramId="1"><className>java.lang.String</className>
            <value ${XSI} xsi:type="xs:string">b c</value></element>
        </values>
      </array>
    </params>
  </parameters>
</startApplication>`;

const pythonParameter = (id: number, encoded: string): string => `
    <params paramId="${id}">
      <direction>IN</direction><paramName></paramName><prefix></prefix><contentType></contentType>
      <stdIOStream>UNSPECIFIED</stdIOStream><type>STRING_64_T</type>
      <element paramId="${id}"><className>java.lang.String</className>
        <value ${XSI} xsi:type="xs:string">${encoded}</value></element>
    </params>`;

export const PYTHON_XML = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<startApplication>
  <lang>PYTHON</lang>
  <className>mod</className>
  <hasResult>false</hasResult>
  <methodName>add</methodName>
  <parameters>${pythonParameter(0, 'IzM=')}${pythonParameter(1, 'IzQ=')}${pythonParameter(2, 'Iy9kYXRhL2luLnR4dA==')}
  </parameters>
</startApplication>`;

export const TYPED_XML = `<startApplication><lang>PYTHON</lang><className>mod</className><methodName>add</methodName><parameters>
<params paramId="0"><direction>IN</direction><type>INT_T</type><stdIOStream>UNSPECIFIED</stdIOStream><prefix></prefix><paramName>a</paramName><contentType></contentType>
  <element paramId="0"><className>java.lang.Integer</className><value ${XSI} xsi:type="xs:int">3</value></element></params>
<params paramId="2"><direction>IN</direction><type>FILE_T</type><stdIOStream>UNSPECIFIED</stdIOStream>
  <element paramId="2"><className>java.lang.String</className><value ${XSI} xsi:type="xs:string">/data/in.txt</value></element></params>
</parameters></startApplication>`;

export const STOP_XML = `<startApplication><lang>PYTHON</lang><className>mod</className><methodName>run</methodName>
<action><actionName>stop</actionName><forwardTo><agent>http://10.0.0.2:46101</agent><agent>http://10.0.0.3:46101</agent></forwardTo></action>
</startApplication>`;

const DESCRIPTION = (units: number, memory: string): string => `
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

export const ADD_XML = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<newResource>
  <externalResource>
    <name>10.0.0.9</name>
    <description>${DESCRIPTION(4, '8')}
    </description>
    <adaptor>es.bsc.compss.agent.comm.CommAgentAdaptor</adaptor>
    <resourceConf xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ResourcesExternalAdaptorProperties">
      <Property><Name>Port</Name><Value>46102</Value></Property>
    </resourceConf>
  </externalResource>
</newResource>`;

export const REDUCE_XML = `<reduceNode><workerName>10.0.0.9</workerName><resources>${DESCRIPTION(1, '-1')}</resources></reduceNode>`;
export const LOST_XML = '<lostNode><workerName>10.0.0.9</workerName></lostNode>';
export const REMOVE_XML = '<removeNode><workerName>10.0.0.9</workerName></removeNode>';

export const END_XML = `<endApplication>
  <endStatus>OK</endStatus>
  <jobId>-123</jobId>
  <profile><executionEnd>7</executionEnd><executionStart>6</executionStart><taskEnd>9</taskEnd><taskSubmitted>5</taskSubmitted></profile>
  <results><locations>storage://host/id1</locations><locations>x</locations></results>
  <results/>
</endApplication>`;

export const ADD_JSON = {
  name: '10.0.0.9',
  description: {
    processors: [{ name: 'MainProcessor', units: 4, architecture: 'amd64' }],
    memory_size: 8,
    memory_type: 'DDR4',
    storage_size: 100.5,
    storage_type: 'SSD',
    storage_bandwith: 500,
  },
  adaptor: 'es.bsc.compss.agent.comm.CommAgentAdaptor',
  projectConf: [{ Name: 'WorkingDir', Value: '/tmp' }],
  resourcesConf: [{ Name: 'Port', Value: '46102' }],
};

export const START_JSON = {
  lang: 'PYTHON',
  className: 'kmeans',
  methodName: 'train',
  ceiClass: '',
  Parameters: [
    {
      paramId: 1,
      paramName: 'k',
      type: 'INT_T',
      direction: 'IN',
      prefix: '',
      stdIOStream: 'USPECIFIED',
      weight: 1.0,
      value: 8,
    },
    { paramId: 0, paramName: 'data', type: 'FILE_T', direction: 'IN', contentType: 'FILE', value: '/data/0_0.npy' },
  ],
  Results: [{ paramId: 0, type: 'OBJECT_T', direction: 'OUT' }],
};
