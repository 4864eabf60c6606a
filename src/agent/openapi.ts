/** The OpenAPI document of the agent: from the schemas of the routes, with the XML forms added. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import type { XmlRoot } from '../contracts/agent/xml-bodies.ts';

const toJsonSchema = createJsonSchemaTransform({ zodToJsonConfig: { unrepresentable: 'any' } });

const DESCRIPTION = `Runs functions, finds the tasks inside them and spreads them over the nodes that the agent knows.

Every endpoint that takes a body reads COMPSs's XML (\`application/xml\`) and JSON (\`application/json\`); both say the
same. Failures answer with \`code\`, \`message\` and \`field\`, as JSON or text by \`Accept\`; the code is also in the header
\`X-Error-Code\`. The codes are listed in errors.md.`;

export function swaggerOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'metakernel agent', description: DESCRIPTION, version },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: (input) => {
      const { schema, url } = toJsonSchema(input);
      const config = input.route.config ?? {};
      const open = config.role === undefined ? { security: [] } : {};
      const described = { ...schema, ...open };
      return { url, schema: config.xmlRoot === undefined ? described : withXml(described, config.xmlRoot) };
    },
  };
}

type Schema = ReturnType<typeof toJsonSchema>['schema'];

/** Bodies by content type: the JSON form in full, the XML form by its root. */
function withXml(schema: Schema, root: XmlRoot): Schema {
  const body = {
    content: {
      'application/json': { schema: schema.body },
      'application/xml': {
        schema: {
          type: 'object',
          xml: { name: root },
          description: `COMPSs's <${root}>: see docs/compss-compatibility.md`,
        },
      },
    },
  };
  return { ...schema, body };
}
