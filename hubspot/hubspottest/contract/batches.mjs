// Batches of every object: create, read, update, upsert, archive, in whole and in part.
import assert from "node:assert/strict";
import { hubspot, minimal, objects, refusal, sameIds, step } from "./harness.mjs";

const idProperty = "contract_key";

for (const [type, { api, text }] of Object.entries(objects)) {
  let ids;

  await step(`${type}: batch create in part`, async () => {
    const answer = await api.batchApi.create({
      inputs: [
        { properties: minimal(type), associations: [], objectWriteTraceId: "1" },
        { properties: minimal(type), associations: [], objectWriteTraceId: "2" },
        { properties: { ...minimal(type), no_such_property: "x" }, associations: [], objectWriteTraceId: "3" },
      ],
    });
    assert.equal(answer.status, "COMPLETE");
    assert.equal(answer.numErrors, 1);
    assert.deepEqual(answer.errors[0].context.objectWriteTraceId, ["3"]);
    assert.deepEqual(answer.results.map((r) => r.objectWriteTraceId).sort(), ["1", "2"]);
    ids = answer.results.map((r) => r.id);
  });

  await step(`${type}: batch read with history, and what is missing`, async () => {
    const answer = await api.batchApi.read({
      properties: [text], propertiesWithHistory: ["hs_object_id"], inputs: [...ids, "7"].map((id) => ({ id })),
    });
    sameIds(answer.results, ids);
    assert.equal(answer.results[0].propertiesWithHistory.hs_object_id[0].sourceType, "INTEGRATION");
    assert.equal(answer.errors[0].category, "OBJECT_NOT_FOUND");
    assert.deepEqual(answer.errors[0].context.ids, ["7"]);
  });

  await step(`${type}: batch update`, async () => {
    const answer = await api.batchApi.update({ inputs: ids.map((id) => ({ id, properties: { [text]: "41629780" } })) });
    sameIds(answer.results, ids);
    assert.ok(answer.results.every((r) => r.properties[text] === "41629780"));
    assert.ok(answer.completedAt >= answer.startedAt);
  });

  await step(`${type}: batch upsert by a unique property updates one and creates one`, async () => {
    await hubspot.crm.properties.coreApi.create(type, {
      name: idProperty, label: "Contract key", groupName: (await hubspot.crm.properties.groupsApi.getAll(type)).results[0].name,
      type: "string", fieldType: "text", hasUniqueValue: true,
    });
    await api.basicApi.update(ids[0], { properties: { [idProperty]: "k-1" } });
    const answer = await api.batchApi.upsert({
      inputs: [
        { idProperty, id: "k-1", properties: { [text]: "41629779" } },
        { idProperty, id: "k-2", properties: minimal(type) },
      ],
    });
    assert.deepEqual(answer.results.map((r) => r._new).sort(), [false, true]);
    assert.equal(answer.results.find((r) => !r._new).id, ids[0]);
  });

  await step(`${type}: batch read by the unique property`, async () => {
    const answer = await api.batchApi.read({ properties: [], propertiesWithHistory: [], idProperty, inputs: [{ id: "k-1" }] });
    sameIds(answer.results, [ids[0]]);
  });

  await step(`${type}: batch archive`, async () => {
    await api.batchApi.archive({ inputs: ids.map((id) => ({ id })) });
    const answer = await api.batchApi.read({ properties: [], propertiesWithHistory: [], inputs: ids.map((id) => ({ id })) });
    assert.equal(answer.results.length, 0);
    sameIds((await api.batchApi.read({ properties: [], propertiesWithHistory: [], inputs: ids.map((id) => ({ id })) }, true)).results, ids);
  });
}

await step("contacts: batch upsert by email", async () => {
  const properties = minimal("contacts");
  const inputs = [{ idProperty: "email", id: properties.email, properties }];
  const first = await hubspot.crm.contacts.batchApi.upsert({ inputs });
  const second = await hubspot.crm.contacts.batchApi.upsert({ inputs });
  assert.deepEqual([first, second].map((a) => a.results[0]._new), [true, false]);
  assert.equal(second.results[0].id, first.results[0].id);
});

await step("one bad input without trace ids refuses its whole batch", async () => {
  const { code, body } = await refusal(hubspot.crm.deals.batchApi.create({
    inputs: [{ properties: minimal("deals"), associations: [] }, { properties: { ...minimal("deals"), dealstage: "nope" }, associations: [] }],
  }));
  assert.equal(code, 400);
  assert.equal(body.errors[0].code, "INVALID_OPTION");
});

await step("101 inputs are too many", async () => {
  const { code } = await refusal(hubspot.crm.contacts.batchApi.read({
    properties: [], propertiesWithHistory: [], inputs: Array.from({ length: 101 }, (_, i) => ({ id: String(i + 1) })),
  }));
  assert.equal(code, 400);
});
