package hubspottest

import (
	"fmt"
	"strings"
	"testing"
)

// minimal are the properties that the API asks of a new record, as JSON members.
var minimal = map[string]string{
	"contacts":       `"email":"ana@example.com"`,
	"deals":          `"dealname":"Casa","dealstage":"appointmentscheduled"`,
	"communications": `"hs_timestamp":"1790000000000","hs_communication_channel_type":"WHATS_APP","hs_communication_logged_from":"CRM"`,
	"tasks":          `"hs_timestamp":"1790000000000"`,
	"notes":          `"hs_timestamp":"1790000000000"`,
	"meetings":       `"hs_meeting_start_time":"1790000000000"`,
}

// bodyOf is the body of a create call with the needed properties and more.
func bodyOf(plural, more string) string {
	return fmt.Sprintf(`{"properties":{%s},"associations":[]}`, strings.Trim(minimal[plural]+","+more, ","))
}

func objectsPath(plural string) string { return "/crm/objects/2026-09/" + plural }

func TestEveryTypeLives(t *testing.T) {
	for _, typ := range objectTypes {
		t.Run(typ.plural, func(t *testing.T) {
			r := newRig(t, nil)
			made := r.want(201, "POST", "/crm/v3/objects/"+typ.plural, bodyOf(typ.plural, ""))
			path := objectsPath(typ.id) + "/" + made["id"].(string)
			p := props(r.want(200, "GET", path, ""))
			if p[typ.created] != made["createdAt"] || p[typ.modified] != made["updatedAt"] || p[propID] != made["id"] {
				t.Errorf("defaults %v of %v", p, made)
			}
			r.want(200, "PATCH", path, `{"properties":{"hubspot_owner_id":"7"}}`)
			r.want(204, "DELETE", path, "")
			r.want(404, "GET", path, "")
		})
	}
}
