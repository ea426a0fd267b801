// Search of every object, its operators, sorts and pages.
import assert from "node:assert/strict";
import { create, hubspot, objects, refusal, sameIds, step } from "./harness.mjs";

for (const [type, { api, text, modified }] of Object.entries(objects)) {
  await step(`${type}: search by filters, sorted, in pages`, async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await create(type, { [text]: "41629779", hubspot_owner_id: "41629779" })).id);
    const query = {
      filterGroups: [{ filters: [
        { propertyName: "hubspot_owner_id", operator: "EQ", value: "41629779" },
        { propertyName: modified, operator: "GTE", value: "1600000000000" },
        { propertyName: "hs_object_id", operator: "IN", values: ids },
      ] }],
      sorts: ["-hs_object_id"], properties: [text], limit: 2,
    };
    const first = await api.searchApi.doSearch(query);
    assert.equal(first.total, 3);
    assert.deepEqual(first.results.map((r) => r.id), [ids[2], ids[1]]);
    const second = await api.searchApi.doSearch({ ...query, after: first.paging.next.after });
    sameIds(second.results, [ids[0]]);
    assert.equal(second.paging, undefined);
    for (const id of ids) await api.basicApi.archive(id);
    assert.equal((await api.searchApi.doSearch(query)).total, 0);
  });
}

await step("contacts: search by the calculated phone number", async () => {
  const { id } = await create("contacts", { phone: "+57 301 234 5678" });
  const answer = await hubspot.crm.contacts.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "hs_searchable_calculated_phone_number", operator: "EQ", value: "3012345678" }] }],
  });
  sameIds(answer.results, [id]);
});

await step("contacts: search by text", async () => {
  const { id } = await create("contacts", { lastname: "Zapatoca" });
  sameIds((await hubspot.crm.contacts.searchApi.doSearch({ query: "zapatoca" })).results, [id]);
});

await step("notes: search by the associated contact", async () => {
  const { id: contact } = await create("contacts");
  const { id: note } = await create("notes", {}, [
    { to: { id: contact }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 202 }] },
  ]);
  const answer = await hubspot.crm.objects.notes.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "associations.contact", operator: "EQ", value: contact }] }],
  });
  sameIds(answer.results, [note]);
});

await step("a search has at most five groups of filters", async () => {
  const group = { filters: [{ propertyName: "email", operator: "HAS_PROPERTY" }] };
  const { code } = await refusal(hubspot.crm.contacts.searchApi.doSearch({ filterGroups: Array(6).fill(group) }));
  assert.equal(code, 400);
});
