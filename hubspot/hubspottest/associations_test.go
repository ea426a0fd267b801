package hubspottest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// family is where associations live in one API version.
type family struct{ records, batches string }

var families = map[string]family{
	"v4":      {"/crm/v4/objects", "/crm/v4/associations"},
	"2026-03": {"/crm/objects/2026-03", "/crm/associations/2026-03"},
	"2026-09": {"/crm/objects/2026-09", "/crm/associations/2026-09"},
}

// fresh creates a record of a type with what it needs and returns its id.
func (r *rig) fresh(plural string) string {
	r.t.Helper()
	body := bodyOf(plural, "")
	if plural == "contacts" {
		body = `{"properties":{"firstname":"Ana"}}`
	}
	return r.want(201, "POST", objectsPath(plural), body)["id"].(string)
}

// typesOf are the type ids that the batch read of associations shows from one record to another.
func (r *rig) typesOf(f family, from, id, to, other string) []float64 {
	r.t.Helper()
	_, d := r.call("POST", f.batches+"/"+from+"/"+to+"/batch/read", fmt.Sprintf(`{"inputs":[{"id":%q}]}`, id))
	var types []float64
	for _, result := range resultsOf(r.t, d) {
		for _, x := range result.(doc)["to"].([]any) {
			if fmt.Sprintf("%.0f", x.(doc)["toObjectId"]) == other {
				for _, a := range x.(doc)["associationTypes"].([]any) {
					types = append(types, a.(doc)["typeId"].(float64))
				}
			}
		}
	}
	return types
}

// TestPoint07Associations walks the rules of associations: types, directions, calls, limits and refusals.
func TestPoint07Associations(t *testing.T) {
	t.Run("type ids of every pair", pairsOfTypes)
	t.Run("calls of every version", associationCalls)
	t.Run("refusals", associationRefusals)
	t.Run("created with associations", createdAssociated)
	t.Run("batches in part", associationBatches)
	t.Run("limits", associationLimits)
	t.Run("labels", associationLabels)
	t.Run("pages", associationPages)
	t.Run("archive hides and merge moves", associationsThroughLife)
	t.Run("events of either side", associationEvents)
}

func pairsOfTypes(t *testing.T) {
	r := newRig(t, nil)
	ids := map[string]string{}
	for _, typ := range objectTypes {
		ids[typ.plural] = r.fresh(typ.plural)
	}
	for _, c := range []struct {
		from, to   string
		there, and float64
	}{
		{"notes", "contacts", 202, 201}, {"notes", "deals", 214, 213},
		{"tasks", "contacts", 204, 203}, {"tasks", "deals", 216, 215},
		{"meetings", "contacts", 200, 199}, {"meetings", "deals", 212, 211},
		{"communications", "contacts", 81, 82}, {"communications", "deals", 85, 86},
		{"deals", "contacts", 3, 4},
	} {
		t.Run(c.from+" "+c.to, func(t *testing.T) {
			f := families["2026-09"]
			path := fmt.Sprintf("%s/%s/%s/associations/default/%s/%s", f.records, c.from, ids[c.from], c.to, ids[c.to])
			both := resultsOf(t, r.want(200, "PUT", path, ""))
			want := []any{
				doc{"from": doc{"id": ids[c.from]}, "to": doc{"id": ids[c.to]}, "associationSpec": doc{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": c.there}},
				doc{"from": doc{"id": ids[c.to]}, "to": doc{"id": ids[c.from]}, "associationSpec": doc{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": c.and}},
			}
			if diff := cmp.Diff(want, both); diff != "" {
				t.Error(diff)
			}
			if got := r.typesOf(f, c.from, ids[c.from], c.to, ids[c.to]); !slices.Equal(got, []float64{c.there}) {
				t.Errorf("there %v, want %v", got, c.there)
			}
			if got := r.typesOf(f, c.to, ids[c.to], c.from, ids[c.from]); !slices.Equal(got, []float64{c.and}) {
				t.Errorf("back %v, want %v", got, c.and)
			}
		})
	}
}

func associationCalls(t *testing.T) {
	for version, f := range families {
		t.Run(version, func(t *testing.T) {
			r := newRig(t, nil)
			ana, note := r.fresh("contacts"), r.fresh("notes")
			pair := fmt.Sprintf("%s/notes/%s/associations/contacts/%s", f.records, note, ana)
			made := r.want(201, "PUT", pair, `[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":202}]`)
			if made["fromObjectTypeId"] != "0-46" || made["toObjectTypeId"] != "0-1" || fmt.Sprintf("%.0f", made["toObjectId"]) != ana {
				t.Errorf("labelled answer %v", made)
			}
			listed := resultsOf(t, r.want(200, "GET", f.records+"/0-46/"+note+"/associations/0-1", ""))
			if len(listed) != 1 || fmt.Sprintf("%.0f", listed[0].(doc)["toObjectId"]) != ana {
				t.Errorf("listed %v", listed)
			}
			r.want(204, "DELETE", pair, "")
			r.want(204, "DELETE", pair, "")
			if left := resultsOf(t, r.want(200, "GET", f.records+"/notes/"+note+"/associations/contacts", "")); len(left) != 0 {
				t.Errorf("left %v", left)
			}

			batch := f.batches + "/notes/contacts/batch/"
			inputs := fmt.Sprintf(`{"inputs":[{"from":{"id":%q},"to":{"id":%q},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":202}]}]}`, note, ana)
			r.want(201, "POST", batch+"create", inputs)
			if n := len(resultsOf(t, r.want(200, "POST", batch+"associate/default", inputs))); n != 2 {
				t.Errorf("%d results of default", n)
			}
			for _, gone := range []string{"archive", "labels/archive"} {
				r.want(200, "POST", batch+"associate/default", inputs)
				body := inputs
				if gone == "archive" {
					body = fmt.Sprintf(`{"inputs":[{"from":{"id":%q},"to":[{"id":%q}]}]}`, note, ana)
				}
				status, d := r.call("POST", batch+gone, body)
				if version == "v4" && (status != 204 || d != nil) || version != "v4" && (status != 200 || d["status"] != "COMPLETE") {
					t.Errorf("%s: status %d, body %v", gone, status, d)
				}
				if types := r.typesOf(f, "contacts", ana, "notes", note); types != nil {
					t.Errorf("after %s the contact still has %v", gone, types)
				}
			}
		})
	}
}

func associationRefusals(t *testing.T) {
	r := newRig(t, nil)
	ana, note := r.fresh("contacts"), r.fresh("notes")
	gone := r.fresh("contacts")
	r.want(204, "DELETE", contactsPath+"/"+gone, "")
	const invalidAssociations = "One or more associations are invalid"
	for _, c := range []struct {
		name, category string
		typ            int
		to             string
		message        string
		context        doc
	}{
		{"absent record", "HUBSPOT_DEFINED", 202, "424242", invalidAssociations,
			doc{"INVALID_OBJECT_IDS": []any{"CONTACT=424242 is not valid"}, "objectId": []any{"424242"}, "objectType": []any{"CONTACT"}}},
		{"archived record", "HUBSPOT_DEFINED", 202, gone, invalidAssociations,
			doc{"INVALID_OBJECT_IDS": []any{"CONTACT=" + gone + " is not valid"}, "objectId": []any{gone}, "objectType": []any{"CONTACT"}}},
		{"company", "HUBSPOT_DEFINED", 190, "5", invalidAssociations,
			doc{"INVALID_OBJECT_IDS": []any{"COMPANY=5 is not valid"}, "objectId": []any{"5"}, "objectType": []any{"COMPANY"}}},
		{"unknown type", "USER_DEFINED", 3, ana, invalidAssociations,
			doc{"associationSpec": []any{"USER_DEFINED=3"}, "INVALID_ASSOCIATION_TYPE_ID": []any{"USER_DEFINED=3 is not a valid association definition id"}}},
		{"wrong direction", "HUBSPOT_DEFINED", 201, ana, "invalid from object type 0-46 for associations to be created. expected: 0-1", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(r.Objects("notes"))
			body := fmt.Sprintf(`{"properties":{"hs_timestamp":"1790000000000"},"associations":[{"to":{"id":%q},"types":[{"associationCategory":%q,"associationTypeId":%d}]}]}`, c.to, c.category, c.typ)
			d := r.want(400, "POST", objectsPath("notes"), body)
			got := doc{"message": d["message"], "category": d["category"], "context": d["context"]}
			want := doc{"message": c.message, "category": "VALIDATION_ERROR", "context": nil}
			if c.context != nil {
				want["context"] = c.context
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if len(r.Objects("notes")) != before {
				t.Error("a refused create made a note")
			}
		})
	}
	records := families["2026-09"].records
	r.want(400, "PUT", records+"/notes/"+note+"/associations/default/contacts/424242", "")
	r.want(400, "PUT", records+"/notes/424242/associations/default/contacts/"+ana, "")
	r.want(400, "PUT", records+"/notes/"+note+"/associations/default/tasks/"+r.fresh("tasks"), "")
	r.want(400, "PUT", records+"/notes/"+note+"/associations/contacts/"+ana, `[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":214}]`)
	r.want(404, "PUT", records+"/notes/"+note+"/associations/default/robots/1", "")
	r.want(404, "GET", records+"/notes/424242/associations/contacts", "")
}

func createdAssociated(t *testing.T) {
	r := newRig(t, nil)
	ana, deal := r.fresh("contacts"), r.fresh("deals")
	note := r.want(201, "POST", objectsPath("notes"), fmt.Sprintf(`{"properties":{"hs_timestamp":"1790000000000"},"associations":[
		{"to":{"id":%q},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":202}]},
		{"to":{"id":%q},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":214}]}]}`, ana, deal))["id"].(string)
	for _, path := range []string{objectsPath("notes") + "/" + note, "/crm/v3/objects/notes/" + note} {
		got := r.want(200, "GET", path+"?associations=contacts,deals,tasks", "")["associations"]
		want := doc{
			"contacts": doc{"results": []any{doc{"id": ana, "type": "note_to_contact"}}},
			"deals":    doc{"results": []any{doc{"id": deal, "type": "note_to_deal"}}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if _, shown := r.want(200, "GET", objectsPath("notes")+"/"+note, "")["associations"]; shown {
		t.Error("associations shown unasked")
	}
	if got := r.Associated("contacts", ana, "notes"); !slices.Equal(got, []string{note}) {
		t.Errorf("notes of the contact: %v", got)
	}
	found := r.want(200, "POST", objectsPath("notes")+"/search", fmt.Sprintf(`{"filterGroups":[{"filters":[{"propertyName":"associations.contact","operator":"EQ","value":%q}]}]}`, ana))
	if found["total"] != 1.0 {
		t.Errorf("search by contact found %v", found["total"])
	}
}

func associationBatches(t *testing.T) {
	r := newRig(t, nil)
	ana, bob, note := r.fresh("contacts"), r.fresh("contacts"), r.fresh("notes")
	batch := families["2026-09"].batches + "/contacts/notes/batch/"
	d := r.want(207, "POST", batch+"create", fmt.Sprintf(`{"inputs":[
		{"from":{"id":%q},"to":{"id":%q},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":201}]},
		{"from":{"id":%q},"to":{"id":"7"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":201}]},
		{"from":{"id":%q},"to":{"id":%q},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":999}]}]}`, ana, note, ana, bob, note))
	if len(resultsOf(t, d)) != 1 || d["numErrors"] != 2.0 {
		t.Fatalf("create in part: %v", d)
	}
	first := d["errors"].([]any)[0].(doc)["context"].(doc)
	want := doc{"INVALID_OBJECT_IDS": []any{"NOTE=7 is not valid"}, "objectId": []any{"7"}, "objectType": []any{"NOTE"}, "fromObjectId": []any{ana}, "toObjectId": []any{"7"}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	d = r.want(207, "POST", batch+"read", fmt.Sprintf(`{"inputs":[{"id":%q},{"id":%q}]}`, ana, bob))
	read := resultsOf(t, d)
	if len(read) != 1 || read[0].(doc)["from"].(doc)["id"] != ana {
		t.Errorf("read %v", read)
	}
	none := d["errors"].([]any)[0].(doc)
	if none["subCategory"] != "crm.associations.NO_ASSOCIATIONS_FOUND" || none["message"] != "No note is associated with contact "+bob+"." {
		t.Errorf("a contact without notes: %v", none)
	}
	silent := newRig(t, &Options{OmitUnassociated: true})
	d = silent.want(200, "POST", batch+"read", fmt.Sprintf(`{"inputs":[{"id":%q}]}`, silent.fresh("contacts")))
	if len(resultsOf(t, d)) != 0 || d["numErrors"] != nil {
		t.Errorf("a silent account says %v", d)
	}
}

func associationLimits(t *testing.T) {
	r := newRig(t, nil)
	pair := `{"from":{"id":"1"},"to":{"id":"2"},"types":[]}`
	many := `{"from":{"id":"1"},"to":[{"id":"2"}]}`
	for _, c := range []struct {
		call, input string
		most        int
	}{
		{"read", `{"id":"1"}`, 1000}, {"create", pair, 2000}, {"associate/default", pair, 2000},
		{"archive", many, 100}, {"labels/archive", pair, 100},
	} {
		t.Run(c.call, func(t *testing.T) {
			path := families["2026-09"].batches + "/contacts/notes/batch/" + c.call
			of := func(n int) string {
				return `{"inputs":[` + strings.TrimSuffix(strings.Repeat(c.input+",", n), ",") + `]}`
			}
			if status, d := r.call("POST", path, of(c.most)); status >= 300 {
				t.Errorf("%d inputs: status %d: %v", c.most, status, d["message"])
			}
			r.want(400, "POST", path, of(c.most+1))
		})
	}
}

func associationLabels(t *testing.T) {
	r := newRig(t, nil)
	f := families["2026-09"]
	ana, deal := r.fresh("contacts"), r.fresh("deals")
	labels := f.batches + "/contacts/deals/labels"
	made := resultsOf(t, r.want(200, "POST", labels, `{"name":"tenant_of","label":"Tenant","inverseLabel":"Rented by"}`))
	if len(made) != 2 || made[0].(doc)["label"] != "Tenant" || made[1].(doc)["label"] != "Rented by" {
		t.Fatalf("made %v", made)
	}
	id := made[0].(doc)["typeId"].(float64)
	if n := len(resultsOf(t, r.want(200, "GET", labels, ""))); n != 2 {
		t.Errorf("%d types between contacts and deals, want the plain one and the label", n)
	}
	r.want(400, "POST", labels, `{"name":"Tenant of","label":""}`)

	pair := fmt.Sprintf("%s/contacts/%s/associations/deals/%s", f.records, ana, deal)
	spec := fmt.Sprintf(`{"associationCategory":"USER_DEFINED","associationTypeId":%.0f}`, id)
	if got := r.want(201, "PUT", pair, "["+spec+"]")["labels"]; !cmp.Equal(got, []any{"Tenant"}) {
		t.Errorf("labels %v", got)
	}
	if got := r.typesOf(f, "contacts", ana, "deals", deal); !slices.Equal(got, []float64{id, 4}) {
		t.Errorf("types %v, want the label and the plain one", got)
	}
	r.want(204, "PUT", labels, fmt.Sprintf(`{"associationTypeId":%.0f,"label":"Lessee"}`, id))
	r.want(200, "POST", f.batches+"/contacts/deals/batch/labels/archive", fmt.Sprintf(`{"inputs":[{"from":{"id":%q},"to":{"id":%q},"types":[%s]}]}`, ana, deal, spec))
	if got := r.typesOf(f, "deals", deal, "contacts", ana); !slices.Equal(got, []float64{3}) {
		t.Errorf("without the label the pair has %v, want the plain type", got)
	}
	r.want(201, "PUT", pair, "["+spec+"]")
	r.want(204, "DELETE", fmt.Sprintf("%s/%.0f", labels, id), "")
	if got := r.typesOf(f, "contacts", ana, "deals", deal); !slices.Equal(got, []float64{4}) {
		t.Errorf("after the label's end the pair has %v", got)
	}
	r.want(404, "PUT", labels, fmt.Sprintf(`{"associationTypeId":%.0f,"label":"x"}`, id))
}

func associationPages(t *testing.T) {
	r := newRig(t, nil)
	ana := r.fresh("contacts")
	var want []string
	for range 7 {
		deal := r.fresh("deals")
		r.Associate("deals", deal, "contacts", ana)
		want = append(want, deal)
	}
	var got []string
	path, after := families["v4"].records+"/contacts/"+ana+"/associations/deals?limit=3", ""
	for range 3 {
		d := r.want(200, "GET", path+after, "")
		for _, x := range resultsOf(t, d) {
			got = append(got, fmt.Sprintf("%.0f", x.(doc)["toObjectId"]))
		}
		if d["paging"] == nil {
			break
		}
		after = "&after=" + d["paging"].(doc)["next"].(doc)["after"].(string)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.want(400, "GET", families["v4"].records+"/contacts/"+ana+"/associations/deals?limit=501", "")
}

func associationsThroughLife(t *testing.T) {
	r := newRig(t, nil)
	ana, bea, note, deal := r.fresh("contacts"), r.fresh("contacts"), r.fresh("notes"), r.fresh("deals")
	r.Associate("contacts", ana, "notes", note)
	r.Associate("contacts", bea, "deals", deal)
	r.Associate("contacts", ana, "contacts", bea)

	r.ArchiveObject("notes", note)
	if got := r.Associated("contacts", ana, "notes"); got != nil {
		t.Errorf("an archived note shows: %v", got)
	}
	r.RestoreObject("notes", note)
	if got := r.Associated("contacts", ana, "notes"); !slices.Equal(got, []string{note}) {
		t.Errorf("a restored note: %v", got)
	}

	survivor := r.Merge(ana, bea)
	for withType, want := range map[string][]string{"notes": {note}, "deals": {deal}, "contacts": nil} {
		if got := r.Associated("contacts", survivor, withType); !slices.Equal(got, want) {
			t.Errorf("%s of the survivor: %v, want %v", withType, got, want)
		}
	}
	if got := r.Associated("notes", note, "contacts"); !slices.Equal(got, []string{survivor}) {
		t.Errorf("contacts of the note: %v", got)
	}
	r.Erase(survivor)
	if got := r.Associated("notes", note, "contacts"); got != nil {
		t.Errorf("an erased contact shows: %v", got)
	}
	r.Dissociate("deals", deal, "notes", note)
}

func associationEvents(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, b *inbox) {
		ana := s.Create(map[string]string{"firstname": "Ana"})
		deal := s.CreateObject("deals", map[string]string{"dealname": "Casa", "dealstage": "closedwon"})
		s.Associate("contacts", ana, "deals", deal)
		s.Associate("contacts", ana, "deals", deal) // nothing new
		s.Dissociate("contacts", ana, "deals", deal)
		s.Idle()
		var got []string
		for _, e := range b.events() {
			if kind, _ := e["subscriptionType"].(string); strings.HasSuffix(kind, ".associationChange") {
				if _, has := e["objectId"]; has {
					t.Errorf("an objectId in %v", e)
				}
				got = append(got, fmt.Sprintf("%s %s %.0f>%.0f removed=%v primary=%v", kind, e["associationType"], e["fromObjectId"], e["toObjectId"], e["associationRemoved"], e["isPrimaryAssociation"]))
			}
		}
		var want []string
		for _, removed := range []bool{false, true} {
			want = append(want,
				fmt.Sprintf("contact.associationChange CONTACT_TO_DEAL %s>%s removed=%v primary=false", ana, deal, removed),
				fmt.Sprintf("deal.associationChange DEAL_TO_CONTACT %s>%s removed=%v primary=false", deal, ana, removed))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
