// Associations: the type ids against those of the client, default, labelled, batches, labels, and what is refused.
import assert from "node:assert/strict";
import { AssociationTypes } from "@hubspot/api-client";
import { create, hubspot, objects, raw, refusal, step } from "./harness.mjs";

const { basicApi, batchApi, schema } = hubspot.crm.associations.v4;
const HUBSPOT_DEFINED = "HUBSPOT_DEFINED";
const singular = { contacts: "contact", deals: "deal", notes: "note", tasks: "task", meetings: "meeting", communications: "communication" };
const capital = (s) => s[0].toUpperCase() + s.slice(1);
const idOf = (from, to) => AssociationTypes[`${singular[from]}To${capital(singular[to])}`];
const spec = (associationTypeId, associationCategory = HUBSPOT_DEFINED) => ({ associationTypeId, associationCategory });

const records = {};
for (const type of Object.keys(objects)) records[type] = (await create(type)).id;

/** The type ids from one record to another, as batch read tells. */
async function typesOf(from, to, id = records[from], other = records[to]) {
  const { results } = await batchApi.getPage(from, to, { inputs: [{ id }] });
  const found = results[0]?.to.find((x) => String(x.toObjectId) === other);
  return found ? found.associationTypes.map((t) => t.typeId) : [];
}

for (const from of ["notes", "tasks", "meetings", "communications", "deals"]) {
  for (const to of ["contacts", "deals"]) {
    if (from === to) continue;
    await step(`${from} to ${to}: default association, with HubSpot's ids both ways`, async () => {
      const { results } = await basicApi.createDefault(from, records[from], to, records[to]);
      assert.deepEqual(results.map((r) => r.associationSpec.associationTypeId), [idOf(from, to), idOf(to, from)]);
      assert.deepEqual(await typesOf(from, to), [idOf(from, to)]);
      assert.deepEqual(await typesOf(to, from), [idOf(to, from)]);
    });
  }
}

await step("labelled association of two records", async () => {
  const { id } = await create("notes");
  const made = await basicApi.create("notes", id, "contacts", records.contacts, [spec(202)]);
  assert.equal(made.fromObjectTypeId, "0-46");
  assert.equal(String(made.toObjectId), records.contacts);
  assert.deepEqual(made.labels, []);
});

await step("list of what a record is associated with, in pages", async () => {
  const page = await basicApi.getPage("contacts", records.contacts, "notes", undefined, 1);
  assert.equal(page.results.length, 1);
  const next = await basicApi.getPage("contacts", records.contacts, "notes", page.paging.next.after, 1);
  assert.notEqual(String(next.results[0].toObjectId), String(page.results[0].toObjectId));
  assert.equal(next.results[0].associationTypes[0].category, HUBSPOT_DEFINED);
});

await step("remove all associations of two records", async () => {
  await basicApi.archive("tasks", records.tasks, "contacts", records.contacts);
  assert.deepEqual(await typesOf("contacts", "tasks"), []);
});

await step("batch create in part", async () => {
  const answer = await batchApi.create("tasks", "contacts", {
    inputs: [
      { _from: { id: records.tasks }, to: { id: records.contacts }, types: [spec(204)] },
      { _from: { id: records.tasks }, to: { id: "424242" }, types: [spec(204)] },
    ],
  });
  assert.equal(answer.results.length, 1);
  assert.equal(answer.numErrors, 1);
  assert.deepEqual(answer.errors[0].context.INVALID_OBJECT_IDS, ["CONTACT=424242 is not valid"]);
});

await step("batch default", async () => {
  const answer = await batchApi.createDefault("meetings", "contacts", {
    inputs: [{ _from: { id: records.meetings }, to: { id: records.contacts } }],
  });
  assert.equal(answer.status, "COMPLETE");
  assert.equal(answer.results[0]._from.id, records.meetings);
});

await step("batch read tells what has none", async () => {
  const { id } = await create("contacts");
  const answer = await batchApi.getPage("contacts", "deals", { inputs: [{ id: records.contacts }, { id }] });
  assert.deepEqual(answer.results.map((r) => r._from.id), [records.contacts]);
  assert.equal(answer.errors[0].subCategory, "crm.associations.NO_ASSOCIATIONS_FOUND");
  assert.deepEqual(answer.errors[0].context.fromObjectId, [id]);
});

await step("batch archive", async () => {
  await batchApi.archive("tasks", "contacts", { inputs: [{ _from: { id: records.tasks }, to: [{ id: records.contacts }] }] });
  assert.deepEqual(await typesOf("tasks", "contacts"), []);
});

let label;

await step("define a label and its inverse", async () => {
  const { results } = await schema.definitionsApi.create("contacts", "deals", { name: "tenant_of", label: "Tenant", inverseLabel: "Rented by" });
  assert.deepEqual(results.map((t) => t.label), ["Tenant", "Rented by"]);
  label = results[0].typeId;
});

await step("list of labels", async () => {
  const { results } = await schema.definitionsApi.getAll("contacts", "deals");
  assert.deepEqual(results.map((t) => t.typeId).sort((a, b) => a - b), [label, 4].sort((a, b) => a - b));
});

await step("rename a label", async () => {
  await schema.definitionsApi.update("contacts", "deals", { associationTypeId: label, label: "Lessee" });
  const made = await basicApi.create("contacts", records.contacts, "deals", records.deals, [spec(label, "USER_DEFINED")]);
  assert.deepEqual(made.labels, ["Lessee"]);
});

await step("batch archive of labels leaves the plain association", async () => {
  await batchApi.archiveLabels("contacts", "deals", {
    inputs: [{ _from: { id: records.contacts }, to: { id: records.deals }, types: [spec(label, "USER_DEFINED")] }],
  });
  assert.deepEqual(await typesOf("contacts", "deals"), [4]);
});

await step("delete a label", async () => {
  await schema.definitionsApi.remove("contacts", "deals", label);
  const { results } = await schema.definitionsApi.getAll("contacts", "deals");
  assert.deepEqual(results.map((t) => t.typeId), [4]);
});

await step("create a note on a contact and a deal in one call, read with its associations", async () => {
  const { id } = await create("notes", {}, [
    { to: { id: records.contacts }, types: [spec(202)] }, { to: { id: records.deals }, types: [spec(214)] },
  ]);
  const { associations } = await hubspot.crm.objects.notes.basicApi.getById(id, undefined, undefined, ["contacts", "deals"]);
  assert.deepEqual(associations.contacts.results.map((r) => ({ ...r })), [{ id: records.contacts, type: "note_to_contact" }]);
  assert.deepEqual(associations.deals.results.map((r) => ({ ...r })), [{ id: records.deals, type: "note_to_deal" }]);
});

await step("a merge moves the associations to the survivor", async () => {
  const [a, b, note] = [await create("contacts"), await create("contacts"), await create("notes")];
  await basicApi.createDefault("notes", note.id, "contacts", b.id);
  const survivor = await hubspot.crm.contacts.basicApi.merge({ primaryObjectId: a.id, objectIdToMerge: b.id });
  assert.deepEqual(await typesOf("notes", "contacts", note.id, survivor.id), [202]);
});

await step("an absent record, a wrong type and a wrong direction are refused", async () => {
  const tries = [
    [{ to: { id: "424242" }, types: [spec(202)] }, (e) => assert.deepEqual(e.context.INVALID_OBJECT_IDS, ["CONTACT=424242 is not valid"])],
    [{ to: { id: records.contacts }, types: [spec(3, "USER_DEFINED")] }, (e) => assert.deepEqual(e.context.associationSpec, ["USER_DEFINED=3"])],
    [{ to: { id: records.contacts }, types: [spec(201)] }, (e) => assert.match(e.message, /invalid from object type 0-46/)],
  ];
  for (const [association, check] of tries) {
    const { code, body } = await refusal(create("notes", {}, [association]));
    assert.equal(code, 400);
    assert.equal(body.category, "VALIDATION_ERROR");
    check(body);
  }
});

await step("the dated versions answer a batch archive with a body", async () => {
  for (const version of ["2026-03", "2026-09"]) {
    const put = await raw("PUT", `/crm/objects/${version}/notes/${records.notes}/associations/default/contacts/${records.contacts}`);
    assert.equal(put.status, 200);
    const inputs = [{ from: { id: records.notes }, to: [{ id: records.contacts }] }];
    const gone = await raw("POST", `/crm/associations/${version}/notes/contacts/batch/archive`, { inputs });
    assert.equal(gone.status, 200);
    assert.equal(gone.body.status, "COMPLETE");
  }
});
