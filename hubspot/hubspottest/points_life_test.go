package hubspottest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// linkedBody is the body that creates a record of a type linked to another one.
func linkedBody(plural, to string, typeID int) string {
	link := fmt.Sprintf(`"associations":[{"to":{"id":%q},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":%d}]}]`, to, typeID)
	return strings.Replace(bodyOf(plural, ""), `"associations":[]`, link, 1)
}

func TestPoint07AssociationsOnCreate(t *testing.T) {
	r := newRig(t, nil)
	contact, deal := r.make("contacts", ""), r.make("deals", "")
	cases := []struct {
		plural, to string
		id, status int
		text       string
	}{
		{"notes", contact, 202, 201, ""}, {"notes", deal, 214, 201, ""},
		{"tasks", contact, 204, 201, ""}, {"tasks", deal, 216, 201, ""},
		{"meetings", contact, 200, 201, ""}, {"meetings", deal, 212, 201, ""},
		{"communications", contact, 81, 201, ""}, {"communications", deal, 85, 201, ""},
		{"deals", contact, 3, 201, ""},
		{"notes", "424242", 202, 400, "INVALID_OBJECT_IDS:[CONTACT=424242 is not valid]"},
		{"notes", deal, 202, 400, "INVALID_OBJECT_IDS:[CONTACT=" + deal + " is not valid]"},
		{"notes", contact, 204, 400, "invalid from object type 0-46 for associations to be created. expected: 0-27"},
		{"notes", contact, 9999, 400, "INVALID_ASSOCIATION_TYPE_ID:[HUBSPOT_DEFINED=9999 is not a valid association definition id]"},
	}
	for _, c := range cases {
		before := len(r.Objects(c.plural))
		out := r.want(c.status, "POST", objectsPath(c.plural), linkedBody(c.plural, c.to, c.id))
		if c.status == 400 {
			if !strings.Contains(fmt.Sprint(out["message"], out["context"]), c.text) || len(r.Objects(c.plural)) != before {
				t.Errorf("%s %d: %v", c.plural, c.id, out)
			}
			continue
		}
		to := map[string]string{contact: "contacts", deal: "deals"}[c.to]
		got := r.want(200, "GET", objectsPath(c.plural)+"/"+out["id"].(string)+"?associations="+to, "")
		there := got["associations"].(doc)[to].(doc)["results"].([]any)
		back := r.want(200, "GET", objectsPath(to)+"/"+c.to+"?associations="+c.plural, "")["associations"].(doc)[c.plural].(doc)["results"].([]any)
		if there[0].(doc)["id"] != c.to || !slices.ContainsFunc(back, func(x any) bool { return x.(doc)["id"] == out["id"] }) {
			t.Errorf("%s to %s: there %v, back %v", c.plural, to, there, back)
		}
	}
}

func TestPoint08Merge(t *testing.T) {
	for _, keep := range []bool{false, true} {
		for _, typ := range objectTypes {
			t.Run(fmt.Sprint(typ.plural, keep), func(t *testing.T) {
				bubble(t, Options{MergeKeepsPrimaryID: keep}, func(t *testing.T, s *Server, b *inbox) {
					r := &rig{s, t}
					first := r.make(typ.plural, "")
					s.EditObject(typ.plural, first, map[string]string{"hubspot_owner_id": "7"})
					second := r.want(201, "POST", objectsPath(typ.plural), strings.Replace(bodyOf(typ.plural, ""), "ana@", "zoe@", 1))["id"].(string)
					settle(t, s)
					before := len(b.events())
					out := r.want(200, "POST", objectsPath(typ.plural)+"/merge", `{"primaryObjectId":"`+second+`","objectIdToMerge":"`+first+`"}`)
					survivor := out["id"].(string)
					if kept := survivor == second; kept != keep {
						t.Errorf("survivor %s of %s", survivor, second)
					}
					for _, id := range []string{first, second} {
						got := r.want(200, "GET", objectsPath(typ.plural)+"/"+id+"?properties=hubspot_owner_id,hs_merged_object_ids", "")
						if p := props(got); got["id"] != survivor || p["hubspot_owner_id"] != "7" || !strings.Contains(fmt.Sprint(p["hs_merged_object_ids"]), first) {
							t.Errorf("by %s: %v", id, got)
						}
						r.want(200, "PATCH", objectsPath(typ.plural)+"/"+id, `{"properties":{}}`)
					}
					settle(t, s)
					var kinds []string
					for _, e := range b.events()[before:] {
						_, kind, _ := strings.Cut(e["subscriptionType"].(string), ".")
						kinds = append(kinds, kind)
					}
					if got := strings.Join(kinds, " "); got != "merge deletion" {
						t.Errorf("events %s", got)
					}
				})
			})
		}
	}
}

// TestPoint08MergeHasAnEnd merges until the vendor's limit.
func TestPoint08MergeHasAnEnd(t *testing.T) {
	r := newRig(t, &Options{MergeKeepsPrimaryID: true, Burst: -1})
	primary := r.Create(nil)
	merge := func() string {
		return `{"primaryObjectId":"` + primary + `","objectIdToMerge":"` + r.Create(nil) + `"}`
	}
	for range maxIdentities {
		r.want(200, "POST", contactsPath+"/merge", merge())
	}
	r.want(414, "POST", contactsPath+"/merge", merge())
}

// TestPoint08MergeKeepsAssociations finds the activities of both contacts on the survivor.
func TestPoint08MergeKeepsAssociations(t *testing.T) {
	r := newRig(t, nil)
	var contacts, want []string
	for range 2 {
		contact := r.Create(nil)
		contacts = append(contacts, contact)
		want = append(want, r.want(201, "POST", objectsPath("notes"), linkedBody("notes", contact, 202))["id"].(string))
	}
	survivor := r.Merge(contacts[0], contacts[1])
	got := r.want(200, "GET", contactsPath+"/"+survivor+"?associations=notes", "")
	var notes []string
	for _, x := range got["associations"].(doc)["notes"].(doc)["results"].([]any) {
		notes = append(notes, x.(doc)["id"].(string))
	}
	slices.Sort(notes)
	if !slices.Equal(slices.Compact(notes), want) {
		t.Errorf("notes %v, want %v", notes, want)
	}
}

func TestPoint09ArchiveRestoreErase(t *testing.T) {
	for _, typ := range objectTypes {
		t.Run(typ.plural, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, s *Server, b *inbox) {
				r := &rig{s, t}
				id := r.make(typ.plural, "")
				path := objectsPath(typ.plural) + "/" + id
				r.want(204, "DELETE", path, "")
				r.want(404, "GET", path, "")
				if got := r.want(200, "GET", path+"?archived=true", ""); got["archived"] != true || got["archivedAt"] == nil {
					t.Errorf("archived: %v", got)
				}
				list := resultsOf(t, r.want(200, "GET", objectsPath(typ.plural)+"?archived=true", ""))
				if len(list) != 1 || len(resultsOf(t, r.want(200, "GET", objectsPath(typ.plural), ""))) != 0 {
					t.Errorf("lists: %v", list)
				}
				s.RestoreObject(typ.plural, id)
				r.want(200, "GET", path, "")
				settle(t, s)
				prefix := "object"
				if typ.named {
					prefix = typ.singular
				}
				for _, kind := range []string{"creation CREATED", "deletion DELETED", "restore RESTORED"} {
					if !slices.ContainsFunc(b.events(), func(e doc) bool {
						return fmt.Sprint(e["subscriptionType"], " ", e["changeFlag"]) == prefix+"."+kind && (typ.named || e["objectTypeId"] == typ.id)
					}) {
						t.Errorf("no %s.%s", prefix, kind)
					}
				}
				if typ.plural != "contacts" {
					r.want(404, "POST", objectsPath(typ.plural)+"/gdpr-delete", `{"objectId":"`+id+`"}`)
				}
			})
		})
	}
}

// TestPoint09PrivacyDeletion sees both orders of the two events that an erasure sends.
func TestPoint09PrivacyDeletion(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, b *inbox) {
		r := &rig{s, t}
		for i := range 20 {
			s.Create(map[string]string{"email": fmt.Sprintf("p%d@example.com", i)})
			r.want(204, "POST", contactsPath+"/gdpr-delete", fmt.Sprintf(`{"objectId":"p%d@example.com","idProperty":"email"}`, i))
		}
		settle(t, s)
		last, orders := map[any]string{}, map[string]int{}
		for _, e := range b.events() {
			if kind := e["subscriptionType"].(string); strings.HasSuffix(kind, "eletion") {
				if first, again := last[e["objectId"]]; again {
					orders[first+" "+kind]++
				}
				last[e["objectId"]] = kind
			}
		}
		if len(orders) != 2 || orders["contact.deletion contact.privacyDeletion"]+orders["contact.privacyDeletion contact.deletion"] != 20 {
			t.Errorf("orders %v", orders)
		}
		if len(s.Contacts()) != 0 {
			t.Error("contacts are left")
		}
	})
}
