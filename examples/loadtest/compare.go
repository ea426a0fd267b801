package main

import "fmt"

// compare looks into both simulators and compares every contact of Bird with
// that of HubSpot which it names. One without a mate, on either side, differs.
// HubSpot contacts that name none are not backfilled yet.
func (v *vendors) compare(rep *report) {
	mates := v.hubspot.Contacts()
	equal := 0
	for _, c := range v.bird.Contacts() {
		field := func(name string) string {
			if value := c.Field(name); value != nil {
				return fmt.Sprint(value)
			}
			return ""
		}
		id := field("external_id")
		props, linked := mates[id]
		delete(mates, id) // nobody has two
		for _, pair := range [][2]string{
			{c.ID, props["custom_bird_contact_id"]},
			{field("email"), props["email"]},
			{field("msisdn"), props["phone"]},
			{field(birdEdits), props[hubspotShows]},
			{field(birdShows), props[hubspotEdits]},
		} {
			rep.Compared++
			if linked && pair[0] == pair[1] {
				equal++
			}
		}
	}
	for _, props := range mates {
		if props["custom_bird_contact_id"] != "" {
			rep.Compared++
		}
	}
	rep.Agreement = share(equal, rep.Compared)
}
