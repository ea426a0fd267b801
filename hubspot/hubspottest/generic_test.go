package hubspottest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown is an event by the fields that name its subject.
func shownEvent(e doc) string {
	line := fmt.Sprint(e["subscriptionType"])
	for _, k := range []string{"objectTypeId", "propertyName", "associationType", "associationTypeId", "fromObjectTypeId", "toObjectTypeId", "associationRemoved"} {
		if v, ok := e[k]; ok {
			line += fmt.Sprint(" ", v)
		}
	}
	return line
}

func TestNamedAndGenericSubscriptions(t *testing.T) {
	kinds := func(subs ...Subscription) []string {
		var got []string
		bubble(t, Options{}, func(t *testing.T, s *Server, b *inbox) {
			s.hooks.targets = nil
			s.Subscribe(b.url, b.secret, subs...)
			r := &rig{s, t}
			contact := r.make("contacts", "")
			r.want(201, "POST", objectsPath("notes"), linkedBody("notes", contact, 202))
			s.Erase(contact)
			settle(t, s)
			for _, e := range b.events() {
				got = append(got, shownEvent(e))
			}
		})
		slices.Sort(got)
		return got
	}
	cases := []struct {
		subs []Subscription
		want []string
	}{
		{[]Subscription{{Type: "contact.creation"}, {Type: "note.creation"}}, []string{"contact.creation"}},
		{[]Subscription{{Type: "object.creation"}}, []string{"object.creation 0-1", "object.creation 0-46"}},
		{[]Subscription{{Type: "object.creation", ObjectTypeID: "0-46"}}, []string{"object.creation 0-46"}},
		{[]Subscription{{Type: "object.propertyChange", ObjectTypeID: "0-46", Property: "hs_timestamp"}}, []string{"object.propertyChange 0-46 hs_timestamp"}},
		{[]Subscription{{Type: "contact.associationChange"}}, []string{
			"contact.associationChange CONTACT_TO_NOTE false", "contact.associationChange CONTACT_TO_NOTE true",
		}},
		{[]Subscription{{Type: "contact.associationChange"}, {Type: "object.associationChange", ObjectTypeID: "0-46"}}, []string{
			"contact.associationChange CONTACT_TO_NOTE false", "contact.associationChange CONTACT_TO_NOTE true",
			"object.associationChange 202 0-46 0-1 false", "object.associationChange 202 0-46 0-1 true",
		}},
		{[]Subscription{{Type: "object.deletion"}}, []string{"object.deletion 0-1"}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, kinds(c.subs...)); diff != "" {
			t.Errorf("%v: %s", c.subs, diff)
		}
	}
}

// TestMessageBodiesAreSilent leaves out the property that the vendor does not let anyone subscribe to.
func TestMessageBodiesAreSilent(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, b *inbox) {
		(&rig{s, t}).make("communications", `"hs_communication_body":"Hola"`)
		settle(t, s)
		seen := 0
		for _, e := range b.events() {
			if e["propertyName"] == "hs_communication_body" {
				t.Error("a body was sent")
			}
			seen++
		}
		if seen != 4 { // creation and the three needed properties
			t.Errorf("%d events", seen)
		}
	})
}

func TestBodiesComeBackSanitised(t *testing.T) {
	cases := []struct{ plural, property, write, read string }{
		{"notes", "hs_note_body", "Hola <b>Ana</b>", wrapOpen + "<p>Hola <b>Ana</b></p>" + wrapClose},
		{"tasks", "hs_task_body", `<p onclick="x()">Call</p><script>x()</script>`, wrapOpen + "<p>Call</p>" + wrapClose},
		{"meetings", "hs_meeting_body", "", ""},
		{"notes", "hs_note_body", sanitise("twice"), sanitise("twice")},
		{"tasks", "hs_task_subject", "plain <b>text</b>", "plain <b>text</b>"},
	}
	for _, raw := range []bool{false, true} {
		r := newRig(t, &Options{RawBodies: raw})
		for _, c := range cases {
			id := r.CreateObject(c.plural, map[string]string{propTimestamp: "1790000000000", c.property: c.write})
			want := any(c.read)
			if raw {
				want = c.write
			}
			if want == "" {
				want = nil
			}
			got := r.want(200, "GET", objectsPath(c.plural)+"/"+id+"?properties="+c.property, "")
			if props(got)[c.property] != want {
				t.Errorf("raw=%v %s %q: read %v", raw, c.plural, c.write, props(got)[c.property])
			}
			if o, _ := r.Object(c.plural, id); o[c.property] != c.write {
				t.Errorf("kept %q", o[c.property])
			}
		}
	}
}

func TestPropertiesOfEveryType(t *testing.T) {
	for _, typ := range objectTypes {
		t.Run(typ.plural, func(t *testing.T) {
			r := newRig(t, nil)
			path := "/crm/properties/2026-09/" + typ.plural
			r.want(201, "POST", path+"/groups", `{"name":"bird_sync","label":"Bird"}`)
			r.want(409, "POST", path+"/groups", `{"name":"bird_sync","label":"Bird"}`)
			if got := r.want(200, "PATCH", path+"/groups/bird_sync", `{"label":"Birds","name":"no"}`); got["label"] != "Birds" || got["name"] != "bird_sync" {
				t.Errorf("group %v", got)
			}
			const stage = `{"name":"bird_state","label":"S","groupName":"bird_sync","type":"enumeration","fieldType":"select","options":[{"label":"A","value":"a"}]}`
			r.want(201, "POST", path, stage)
			if out := r.want(409, "POST", path, stage); out["category"] != "CONFLICT" {
				t.Errorf("twice: %v", out)
			}
			id := r.make(typ.plural, `"bird_state":"a"`)
			one := objectsPath(typ.plural) + "/" + id
			r.want(400, "PATCH", one, `{"properties":{"bird_state":"b"}}`)
			got := r.want(200, "PATCH", path+"/bird_state", `{"label":"State","hasUniqueValue":true,"options":[{"label":"A","value":"a"},{"label":"B","value":"b"}]}`)
			if got["label"] != "State" || got["hasUniqueValue"] != false || got["type"] != "enumeration" || len(got["options"].([]any)) != 2 {
				t.Errorf("updated %v", got)
			}
			r.want(200, "PATCH", one, `{"properties":{"bird_state":"b"}}`)
			r.want(400, "PATCH", path+"/"+propID, `{"label":"x"}`)
			key := r.want(200, "GET", path+"/hs_unique_creation_key", "")
			if key["hasUniqueValue"] != true || key["modificationMetadata"].(doc)["readOnlyValue"] != true {
				t.Errorf("the vendor's own key: %v", key)
			}
			r.want(400, "DELETE", path+"/"+propID, "")
			r.want(400, "DELETE", path+"/groups/bird_sync", "")
			r.want(204, "DELETE", path+"/bird_state", "")
			r.want(404, "GET", path+"/bird_state", "")
			r.want(200, "GET", path+"/bird_state?archived=true", "")
			if codes(r.want(400, "PATCH", one, `{"properties":{"bird_state":"a"}}`)) != "PROPERTY_DOESNT_EXIST" {
				t.Error("an archived property was written")
			}
			if _, there := props(r.want(200, "GET", one+"?properties=bird_state", ""))["bird_state"]; there {
				t.Error("an archived property was read")
			}
			r.want(204, "DELETE", path+"/groups/bird_sync", "")
			r.want(404, "GET", path+"/groups/bird_sync", "")
			r.want(201, "POST", path+"/batch/create", strings.ReplaceAll(`{"inputs":[{"name":"x","label":"X","groupName":"G","type":"bool","fieldType":"booleancheckbox"}]}`, "G", typ.group))
			r.DefinePropertyOn(typ.plural, Property{Name: "again", HasUniqueValue: true})
			r.DefinePropertyOn(typ.plural, Property{Name: "again"})
			r.want(400, "GET", objectsPath(typ.plural)+"/k?idProperty=again", "")
			r.ArchiveProperty(typ.plural, "again")
			r.want(404, "GET", path+"/again", "")
			r.want(204, "POST", path+"/batch/archive", `{"inputs":[{"name":"x"},{"name":"nope"}]}`)
			r.want(207, "POST", path+"/batch/read", `{"inputs":[{"name":"x"}]}`)
			r.want(200, "POST", path+"/batch/read", `{"archived":true,"inputs":[{"name":"x"}]}`)
		})
	}
}

// TestHistoryOfEveryType reads a property's past, sanitised as the present is.
func TestHistoryOfEveryType(t *testing.T) {
	r := newRig(t, nil)
	note := r.make("notes", `"hs_note_body":"one"`)
	r.EditObject("notes", note, map[string]string{"hs_note_body": "two"})
	got := r.want(200, "GET", objectsPath("notes")+"/"+note+"?propertiesWithHistory=hs_note_body", "")
	var values []string
	for _, e := range got["propertiesWithHistory"].(doc)["hs_note_body"].([]any) {
		values = append(values, fmt.Sprint(e.(doc)["value"], e.(doc)["sourceType"]))
	}
	want := []string{sanitise("two") + "CRM_UI", sanitise("one") + "INTEGRATION"}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	if n := len(r.HistoryOf("notes", note, "hs_note_body")); n != 2 {
		t.Errorf("%d revisions", n)
	}
	if r.WriteCountOf("notes", note, "hs_note_body") != 1 || r.WriteCount("", "") != 0 {
		t.Error("writes are counted by type")
	}
}
