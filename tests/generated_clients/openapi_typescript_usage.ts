// How a front end uses the types that openapi-typescript generates, with openapi-fetch as the client.
import createClient from "openapi-fetch";

import type { components, paths } from "./openapi_typescript";

type CaseStatus = components["schemas"]["CaseStatus"];

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8000" });

export async function listCaseNumbers(status: CaseStatus): Promise<string[]> {
  const { data, error } = await client.GET("/v1/cases", { params: { query: { status: [status], sort: "-next_review_on", limit: 25 } } });
  if (error) throw new Error(`${error.status}: ${error.title}`);
  return data.items.map((summary) => `${summary.number} (${summary.status})`);
}

export async function approveCarePlan(planId: string): Promise<components["schemas"]["CarePlan"]> {
  const path = { plan_id: planId };
  const read = await client.GET("/v1/care-plans/{plan_id}", { params: { path } });
  if (!read.data) throw new Error("not found");
  const { data, error } = await client.POST("/v1/care-plans/{plan_id}/approve", {
    params: { path, header: { "If-Match": `"${read.data.version}"` } },
    body: { comment: "Agreed." },
  });
  if (error) throw new Error((error.unmet ?? []).map((condition) => condition.code).join(", "));
  return data;
}

export async function updateCaseSummary(caseId: string, version: number): Promise<void> {
  await client.PATCH("/v1/cases/{case_id}", {
    params: { path: { case_id: caseId }, header: { "If-Match": `"${version}"` } },
    body: { summary: "Lives with her aunt." },
  });
}
