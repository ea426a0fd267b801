// Properties and their groups, and how many of them there may be.
import assert from "node:assert/strict";
import { create, hubspot, objects, raw, refusal, step } from "./harness.mjs";

const { coreApi, batchApi, groupsApi } = hubspot.crm.properties;
const property = (name, more = {}) => ({ name, label: name, groupName: "bird_sync", type: "string", fieldType: "text", ...more });

for (const type of Object.keys(objects)) {
  await step(`${type}: a group of properties`, async () => {
    const made = await groupsApi.create(type, { name: "bird_sync", label: "Bird" });
    assert.equal(made.archived, false);
    assert.equal((await groupsApi.update(type, "bird_sync", { label: "Bird sync" })).label, "Bird sync");
    assert.equal((await groupsApi.getByName(type, "bird_sync")).label, "Bird sync");
    assert.ok((await groupsApi.getAll(type)).results.some((g) => g.name === "bird_sync"));
  });

  await step(`${type}: create, read and list properties`, async () => {
    const made = await coreApi.create(type, property("bird_key", { hasUniqueValue: true }));
    assert.equal(made.hasUniqueValue, true);
    const read = await coreApi.getByName(type, "bird_key");
    assert.equal(read.modificationMetadata.readOnlyValue, false);
    const { results } = await coreApi.getAll(type);
    const id = results.find((p) => p.name === "hs_object_id");
    assert.equal(id.modificationMetadata.readOnlyValue, true);
    assert.equal(id.hubspotDefined, true);
  });
}

await step("a property that exists is a conflict", async () => {
  assert.equal((await refusal(coreApi.create("contacts", property("bird_key")))).code, 409);
  assert.equal((await refusal(groupsApi.create("contacts", { name: "bird_sync", label: "Bird" }))).code, 409);
});

await step("a property that does not exist", async () => {
  assert.equal((await refusal(coreApi.getByName("contacts", "no_such_property"))).code, 404);
});

await step("batch create and read of properties, each type", async () => {
  const options = [{ label: "Rent", value: "rent", displayOrder: 0, hidden: false }, { label: "Buy", value: "buy", displayOrder: 1, hidden: false }];
  const types = [["number", "number"], ["date", "date"], ["datetime", "date"], ["enumeration", "select", options], ["enumeration", "checkbox", options]];
  const inputs = types.map(([type, fieldType, opts], i) => property(`bird_t${i}`, { type, fieldType, options: opts }));
  const made = await batchApi.create("deals", { inputs });
  assert.equal(made.results.length, types.length);
  const read = await batchApi.read("deals", { archived: false, inputs: inputs.map(({ name }) => ({ name })), dataSensitivity: "non_sensitive" });
  assert.deepEqual(read.results.map((p) => p.type).sort(), types.map(([type]) => type).sort());
});

await step("values of every type are kept as HubSpot keeps them", async () => {
  const { id } = await create("deals", { bird_t0: "12.50", bird_t1: "2026-11-22", bird_t2: "1790000000000", bird_t3: "rent", bird_t4: "rent;buy" });
  const { properties } = await hubspot.crm.deals.basicApi.getById(id, ["bird_t0", "bird_t1", "bird_t2", "bird_t3", "bird_t4"]);
  assert.deepEqual([properties.bird_t1, properties.bird_t2, properties.bird_t3, properties.bird_t4],
    ["2026-11-22", new Date(1790000000000).toISOString(), "rent", "rent;buy"]);
  await hubspot.crm.deals.basicApi.update(id, { properties: { bird_t3: "" } });
  assert.equal((await hubspot.crm.deals.basicApi.getById(id, ["bird_t3"])).properties.bird_t3, null);
});

await step("update a property", async () => {
  const changed = await coreApi.update("deals", "bird_t3", {
    label: "Interest", options: [{ label: "Sell", value: "sell", displayOrder: 0, hidden: false }],
  });
  assert.equal(changed.label, "Interest");
  const { code } = await refusal(create("deals", { bird_t3: "rent" }));
  assert.equal(code, 400);
});

await step("archive properties", async () => {
  await coreApi.archive("deals", "bird_t0");
  await batchApi.archive("deals", { inputs: [{ name: "bird_t1" }, { name: "bird_t2" }] });
  const { body } = await refusal(create("deals", { bird_t0: "1" }));
  assert.equal(body.errors[0].code, "PROPERTY_DOESNT_EXIST");
  const archived = (await coreApi.getAll("deals", true)).results.map((p) => p.name).sort();
  assert.deepEqual(archived, ["bird_t0", "bird_t1", "bird_t2"]);
});

await step("archive a group without properties", async () => {
  await groupsApi.create("deals", { name: "bird_empty", label: "Empty" });
  await groupsApi.archive("deals", "bird_empty");
  assert.ok(!(await groupsApi.getAll("deals")).results.some((g) => g.name === "bird_empty"));
});

await step("limits of custom properties", async () => {
  const { status, body } = await raw("GET", "/crm/v3/limits/custom-properties");
  assert.equal(status, 200);
  const deals = body.byObjectType.find((t) => t.objectTypeId === "0-3");
  assert.ok(deals.usage > 0 && deals.usage < deals.limit);
});
