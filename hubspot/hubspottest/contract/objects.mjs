// Single records of every object: create, read, list, update, archive; merges, privacy deletion and history.
import assert from "node:assert/strict";
import { create, hubspot, minimal, objects, raw, refusal, sameIds, step } from "./harness.mjs";

for (const [type, { id, api, text, modified }] of Object.entries(objects)) {
  let record;

  await step(`${type}: create`, async () => {
    const properties = minimal(type);
    record = await api.basicApi.create({ properties, associations: [] });
    assert.match(record.id, /^\d+$/);
    assert.ok(record.createdAt instanceof Date && !Number.isNaN(record.createdAt.getTime()));
    assert.equal(record.archived, false);
    assert.equal(record.properties.hs_object_id, record.id);
  });

  await step(`${type}: read with chosen properties and history`, async () => {
    const read = await api.basicApi.getById(record.id, [text, "hubspot_owner_id"], [modified]);
    assert.equal(read.id, record.id);
    assert.ok(text in read.properties);
    assert.ok(modified in read.properties);
    assert.equal(read.propertiesWithHistory[modified][0].sourceType, "INTEGRATION");
  });

  await step(`${type}: update`, async () => {
    const updated = await api.basicApi.update(record.id, { properties: { [text]: "41629779" } });
    assert.equal(updated.properties[text], "41629779");
    assert.ok(updated.updatedAt >= record.updatedAt);
  });

  await step(`${type}: history is newest first`, async () => {
    await api.basicApi.update(record.id, { properties: { [text]: "41629780" } });
    const { propertiesWithHistory: history } = await api.basicApi.getById(record.id, [], [text]);
    assert.deepEqual(history[text].slice(0, 2).map((v) => v.value), ["41629780", "41629779"]);
  });

  await step(`${type}: list in pages`, async () => {
    await create(type);
    const first = await api.basicApi.getPage(1, undefined, [text]);
    assert.equal(first.results.length, 1);
    const second = await api.basicApi.getPage(1, first.paging.next.after);
    assert.ok(BigInt(second.results[0].id) > BigInt(first.results[0].id));
  });

  await step(`${type}: by the generic API and the object type's id`, async () => {
    const read = await hubspot.crm.objects.basicApi.getById(id, record.id, [text]);
    assert.equal(read.properties[text], "41629780");
  });

  await step(`${type}: in the dated versions`, async () => {
    for (const version of ["2026-03", "2026-09"]) {
      const { status, body } = await raw("GET", `/crm/objects/${version}/${type}/${record.id}?properties=${text}`);
      assert.equal(status, 200);
      assert.equal(body.properties[text], "41629780");
    }
  });

  await step(`${type}: archive and read from the recycle bin`, async () => {
    await api.basicApi.archive(record.id);
    assert.equal((await refusal(api.basicApi.getById(record.id))).code, 404);
    const bin = await api.basicApi.getById(record.id, undefined, undefined, undefined, true);
    assert.equal(bin.archived, true);
    assert.ok(bin.archivedAt instanceof Date);
  });
}

for (const type of ["contacts", "deals"]) {
  await step(`${type}: merge leads both old ids to the survivor`, async () => {
    const { api } = objects[type];
    const [a, b] = [await create(type), await create(type)];
    const survivor = await api.basicApi.merge({ primaryObjectId: a.id, objectIdToMerge: b.id });
    for (const old of [a, b]) assert.equal((await api.basicApi.getById(old.id)).id, survivor.id);
    const { hs_merged_object_ids: absorbed } = (await api.basicApi.getById(survivor.id, ["hs_merged_object_ids"])).properties;
    assert.deepEqual(absorbed.split(";").sort(), [a.id, b.id].sort());
  });
}

await step("contacts: by email, in any case", async () => {
  const { id, properties } = await create("contacts");
  const read = await hubspot.crm.contacts.basicApi.getById(properties.email.toUpperCase(), [], [], [], false, "email");
  assert.equal(read.id, id);
});

await step("contacts: GDPR delete", async () => {
  const { id } = await create("contacts");
  await hubspot.crm.contacts.basicApi.purge({ objectId: id });
  assert.equal((await refusal(hubspot.crm.contacts.basicApi.getById(id))).code, 404);
  assert.equal((await refusal(hubspot.crm.contacts.basicApi.getById(id, [], [], [], true))).code, 404);
});

await step("contacts: all pages", async () => {
  const all = await hubspot.crm.contacts.getAll(3);
  const { results } = await hubspot.crm.contacts.basicApi.getPage(100);
  sameIds(all, results.map((r) => r.id));
});
