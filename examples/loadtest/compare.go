package main

import "fmt"

// compare looks into both simulators and compares every pair.
func (v *vendors) compare(rep *report) {
	birds := map[string]func(string) string{}
	for _, c := range v.bird.Contacts() {
		birds[c.ID] = func(name string) string {
			if value := c.Field(name); value != nil {
				return fmt.Sprint(value)
			}
			return ""
		}
	}
	equal := 0
	for id, props := range v.hubspot.Contacts() {
		field := birds[props["custom_bird_contact_id"]]
		if field == nil {
			continue // not backfilled yet
		}
		for _, pair := range [][2]string{
			{field("external_id"), id},
			{field("email"), props["email"]},
			{field("msisdn"), props["phone"]},
			{field(birdEdits), props[hubspotShows]},
			{field(birdShows), props[hubspotEdits]},
		} {
			rep.Compared++
			if pair[0] == pair[1] {
				equal++
			}
		}
	}
	rep.Agreement = share(equal, rep.Compared)
}
