// How a front end uses the client that hey-api generates.
import { approveCarePlan, getCase, listCases, updateCase } from "./hey_api";
import type { CarePlan, CaseStatus } from "./hey_api";

export async function listCaseNumbers(status: CaseStatus): Promise<string[]> {
  const { data } = await listCases({ query: { status: [status], sort: "-next_review_on", limit: 25 }, throwOnError: true });
  return data.items.map((summary) => `${summary.number} (${summary.status})`);
}

export async function approve(planId: string, version: number): Promise<CarePlan> {
  const { data } = await approveCarePlan({
    path: { plan_id: planId },
    headers: { "If-Match": `"${version}"` },
    body: { comment: "Agreed." },
    throwOnError: true,
  });
  return data;
}

export async function updateSummary(caseId: string): Promise<void> {
  const { data } = await getCase({ path: { case_id: caseId }, throwOnError: true });
  await updateCase({
    path: { case_id: caseId },
    headers: { "If-Match": `"${data.version}"` },
    body: { summary: "Lives with her aunt." },
  });
}
