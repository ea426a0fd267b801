package hubspottest

import (
	"fmt"
	"testing"
)

func TestProperties(t *testing.T) {
	const path = "/crm/properties/2026-09/contacts"
	r := newRig(t, &Options{Properties: []Property{{Name: "seeded", Type: "number"}}})
	r.want(200, "GET", path+"/seeded", "")
	r.want(404, "GET", path+"/bird_key", "")
	r.want(201, "POST", path+"/groups", `{"name":"bird_sync","label":"Bird"}`)
	r.want(409, "POST", path+"/groups", `{"name":"bird_sync","label":"Bird"}`)
	r.want(200, "GET", path+"/groups/bird_sync", "")
	if n := len(resultsOf(t, r.want(200, "GET", path+"/groups", ""))); n != 2 {
		t.Errorf("%d groups", n)
	}
	const made = `{"name":"bird_key","label":"Bird key","groupName":"bird_sync","type":"string","fieldType":"text","hasUniqueValue":true}`
	p := r.want(201, "POST", path, made)
	if p["hasUniqueValue"] != true || p["modificationMetadata"].(doc)["readOnlyValue"] != false {
		t.Errorf("made %v", p)
	}
	if out := r.want(409, "POST", path, made); out["category"] != "CONFLICT" {
		t.Errorf("twice: %v", out)
	}
	for name, body := range map[string]string{
		"no group":  `{"name":"x","label":"X","groupName":"nope","type":"string","fieldType":"text"}`,
		"no label":  `{"name":"x","groupName":"bird_sync","type":"string","fieldType":"text"}`,
		"bad name":  `{"name":"X y","label":"X","groupName":"bird_sync","type":"string","fieldType":"text"}`,
		"bad field": `{"name":"x","label":"X","groupName":"bird_sync","type":"datetime","fieldType":"text"}`,
	} {
		t.Run(name, func(t *testing.T) { r.want(400, "POST", path, body) })
	}
	r.want(200, "POST", "/crm/v3/properties/0-1/batch/read", `{"inputs":[{"name":"email"},{"name":"bird_key"}]}`)
	r.want(207, "POST", path+"/batch/read", `{"inputs":[{"name":"email"},{"name":"nope"}]}`)
	r.want(201, "POST", path+"/batch/create", `{"inputs":[{"name":"one","label":"One","groupName":"bird_sync","type":"bool","fieldType":"booleancheckbox"}]}`)
	r.want(200, "POST", contactsPath+"/batch/upsert", `{"inputs":[{"id":"k","idProperty":"bird_key","properties":{"one":"true"}}]}`)
	for i := len(r.in("contacts").schema.unique); i < maxUnique; i++ {
		r.want(201, "POST", path, fmt.Sprintf(`{"name":"u%d","label":"U","groupName":"bird_sync","type":"string","fieldType":"text","hasUniqueValue":true}`, i))
	}
	r.want(400, "POST", path, `{"name":"more","label":"U","groupName":"bird_sync","type":"string","fieldType":"text","hasUniqueValue":true}`)
	if n := len(resultsOf(t, r.want(200, "GET", path, ""))); n != len(r.in("contacts").schema.properties) {
		t.Errorf("%d properties listed", n)
	}
}
