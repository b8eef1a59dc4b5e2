// PostGraphile 5 on the database of `plain`: node server.mjs HOST PORT WORKERS.
//
// The first process creates the roles and policies, and starts the workers. Operations are persisted, the claims of the
// token are settings of the transaction, and the audit row of a request is committed with that transaction.

import cluster from "node:cluster";
import { randomUUID } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { PersistedPlugin } from "@grafserv/persisted";
import jwt from "jsonwebtoken";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const [HOST, PORT, WORKERS] = process.argv.slice(2);
const SECRET = process.env.BENCH_PLAIN_SECRET;
const readText = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

async function prepareDatabase() {
  const connectionString = process.env.BENCH_PLAIN_URL.replace("+asyncpg", "");
  const owner = new pg.Client({ connectionString });
  const { host, port, database } = owner;
  const login = { host, port, database, user: "postgraphile_login", password: randomUUID() };
  await owner.connect();
  await owner.query(readText("schema.sql"));
  await owner.query(`ALTER ROLE ${login.user} PASSWORD '${login.password}'`);
  await owner.end();
  return login;
}

function verifyToken(authorization) {
  try {
    return jwt.verify(authorization.replace(/^bearer /i, ""), SECRET, { algorithms: ["HS256"] });
  } catch {
    throw Object.assign(new Error("Could not validate credentials"), { statusCode: 401 });
  }
}

const LOG_ACCESS = "INSERT INTO audit_log (user_id, action, record_id) VALUES ($1, $2, $3)";
const ACTIONS = { GetCase: "case.read", ListCases: "case.list" };

/** Return the settings of the transaction. A query writes its audit row in it; the mutation has a trigger. */
function buildContext(requestContext, { contextValue, document, variableValues }) {
  const claims = verifyToken(requestContext.node.req.headers.authorization ?? "");
  const pgSettings = { role: "postgraphile_caller" };
  for (const name of ["sub", "role", "team_id", "agency_id"]) {
    if (claims[name]) pgSettings[`jwt.claims.${name}`] = claims[name];
  }
  const action = ACTIONS[document.definitions[0].name.value];
  if (!action) return { pgSettings };
  const values = [claims.sub, action, variableValues?.id];
  const { withPgClient } = contextValue;
  const withAudit = (settings, callback) =>
    withPgClient(settings, async (client) => {
      const result = await callback(client);
      await client.query({ name: "log_access", text: LOG_ACCESS, values });
      return result;
    });
  return { pgSettings, withPgClient: withAudit };
}

const FailedRequestPlugin = {
  name: "FailedRequestPlugin",
  description: "Responds with a status of 500 instead of 200 to a failed operation, so that the load client counts it.",
  grafast: {
    middleware: {
      async execute(next) {
        const result = await next();
        if (result.errors) throw Object.assign(new Error(result.errors[0].message), { statusCode: 500 });
        return result;
      },
    },
  },
};

function readOperations() {
  const names = readdirSync(new URL("operations", import.meta.url));
  return Object.fromEntries(names.map((name) => [name.replace(".graphql", ""), readText(`operations/${name}`)]));
}

async function serve() {
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset],
    plugins: [PersistedPlugin, FailedRequestPlugin],
    pgServices: [makePgService({ poolConfig: JSON.parse(process.env.BENCH_LOGIN), schemas: ["public"], pubsub: false })],
    grafast: { context: buildContext, explain: false },
    grafserv: { graphiql: false, websockets: false, watch: false, persistedOperations: readOperations() },
  });
  const graphql = instance.createServ(grafserv);
  await graphql.ready();
  await instance.getSchema();
  const server = createServer();
  await graphql.addTo(server);
  server.listen(Number(PORT), HOST);
}

if (cluster.isPrimary) {
  const login = await prepareDatabase();
  for (let worker = 0; worker < Number(WORKERS); worker++) cluster.fork({ BENCH_LOGIN: JSON.stringify(login) });
  cluster.on("exit", () => process.exit(1));
  process.on("SIGTERM", () => process.exit(0));
} else {
  await serve();
}
