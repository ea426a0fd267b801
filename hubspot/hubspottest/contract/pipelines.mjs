// Pipelines with their stages, and owners.
import assert from "node:assert/strict";
import { create, hubspot, raw, refusal, step } from "./harness.mjs";

const { pipelinesApi, pipelineStagesApi, pipelineAuditsApi, pipelineStageAuditsApi } = hubspot.crm.pipelines;
const { ownersApi } = hubspot.crm.owners;
const stage = (label, displayOrder, probability) => ({ label, displayOrder, metadata: { probability } });

let pipeline, won;

await step("the stock pipeline", async () => {
  const { results } = await pipelinesApi.getAll("deals");
  assert.equal(results[0].id, "default");
  assert.deepEqual(results[0].stages.map((s) => s.id), [
    "appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent", "closedwon", "closedlost",
  ]);
  assert.equal(results[0].createdAt.getTime(), 0);
});

await step("create a pipeline", async () => {
  pipeline = await pipelinesApi.create("deals", { label: "Rentals", displayOrder: 1, stages: [stage("Open", 0, "0.2"), stage("Won", 1, "1.0")] });
  assert.deepEqual(pipeline.stages.map((s) => s.metadata.isClosed), ["false", "true"]);
  won = pipeline.stages[1].id;
});

await step("read and rename a pipeline", async () => {
  assert.equal((await pipelinesApi.update("deals", pipeline.id, { label: "Lettings" })).label, "Lettings");
  assert.equal((await pipelinesApi.getById("deals", pipeline.id)).label, "Lettings");
});

await step("stages: create, read, list, update, replace, delete", async () => {
  const made = await pipelineStagesApi.create("deals", pipeline.id, stage("Visit", 2, "0.5"));
  assert.equal((await pipelineStagesApi.getById("deals", pipeline.id, made.id)).label, "Visit");
  assert.equal((await pipelineStagesApi.getAll("deals", pipeline.id)).results.length, 3);
  const patched = await pipelineStagesApi.update("deals", pipeline.id, made.id, { label: "Tour", metadata: {} });
  assert.equal(patched.metadata.probability, "0.5");
  assert.equal((await pipelineStagesApi.replace("deals", pipeline.id, made.id, stage("Lost", 3, "0.0"))).metadata.isClosed, "true");
  await pipelineStagesApi.archive("deals", pipeline.id, made.id);
  assert.equal((await pipelineStagesApi.getAll("deals", pipeline.id)).results.length, 2);
});

await step("a stage with a chosen id, which deals may then have", async () => {
  const { status } = await raw("POST", "/crm/pipelines/2026-09/deals/default/stages", { ...stage("Decision Maker", 4, "0.7"), stageId: "decisionmakerstage" });
  assert.equal(status, 201);
  assert.equal((await create("deals", { dealstage: "decisionmakerstage" })).properties.dealstage, "decisionmakerstage");
  const { options } = await hubspot.crm.properties.coreApi.getByName("deals", "dealstage");
  assert.ok(options.some((o) => o.value === "decisionmakerstage"));
});

await step("a stage of another pipeline is refused", async () => {
  const { code, body } = await refusal(create("deals", { dealstage: won }));
  assert.equal(code, 400);
  assert.equal(body.errors[0].code, "INVALID_OPTION");
  assert.deepEqual(body.errors[0].context.propertyName, ["dealstage"]);
  const moved = await create("deals", { pipeline: pipeline.id, dealstage: won });
  assert.equal(moved.properties.dealstage, won);
});

await step("a stage with deals in it stays", async () => {
  for (const call of [pipelineStagesApi.archive("deals", pipeline.id, won), pipelinesApi.archive("deals", pipeline.id)]) {
    const { code, body } = await refusal(call);
    assert.equal(code, 400);
    assert.equal(body.subCategory, "PipelineError.STAGE_ID_IN_USE");
    assert.deepEqual(body.context.stageIds, [`[${won}]`]);
  }
});

await step("editing a pipeline moves the modified time of its deals", async () => {
  const { id, properties } = await create("deals", { pipeline: pipeline.id, dealstage: won });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await pipelinesApi.update("deals", pipeline.id, { label: "Rentals" });
  const after = (await hubspot.crm.deals.basicApi.getById(id)).properties.hs_lastmodifieddate;
  assert.ok(after > properties.hs_lastmodifieddate);
  await hubspot.crm.deals.basicApi.archive(id);
});

await step("audit of a pipeline", async () => {
  const { results } = await pipelineAuditsApi.getAudit("deals", pipeline.id);
  assert.deepEqual(results.map((a) => a.action), ["CREATE", "UPDATE", "UPDATE"]);
});

await step("audit of a stage", async () => {
  await pipelineStagesApi.update("deals", pipeline.id, won, { label: "Let", metadata: {} });
  const { results } = await pipelineStageAuditsApi.getAudit("deals", won);
  assert.deepEqual(results.map((a) => [a.action, a.identifier]), [["UPDATE", won]]);
  await pipelineStagesApi.update("deals", pipeline.id, won, { label: "Won", metadata: {} });
});

await step("replace and delete a pipeline", async () => {
  const replaced = await pipelinesApi.replace("deals", pipeline.id, { label: "Rentals", displayOrder: 1, stages: [stage("Won", 0, "1.0")] });
  assert.deepEqual(replaced.stages.map((s) => s.id), [won]);
  await pipelinesApi.archive("deals", pipeline.id, false, false);
  assert.equal((await refusal(pipelinesApi.getById("deals", pipeline.id))).code, 404);
});

let owner;

await step("owners in pages", async () => {
  const page = await ownersApi.getPage(undefined, undefined, 1);
  [owner] = page.results;
  assert.equal(owner.type, "PERSON");
  assert.ok(owner.createdAt instanceof Date);
  const next = await ownersApi.getPage(undefined, page.paging.next.after, 1);
  assert.notEqual(next.results[0].id, owner.id);
});

await step("owners by email, by id and by user", async () => {
  assert.deepEqual((await ownersApi.getPage(owner.email)).results.map((o) => o.id), [owner.id]);
  assert.equal((await ownersApi.getById(Number(owner.id))).email, owner.email);
  assert.equal((await ownersApi.getById(owner.userId, "userId")).id, owner.id);
  assert.equal((await ownersApi.getPage(undefined, undefined, 100, true)).results.length, 0);
});
