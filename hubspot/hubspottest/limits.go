package hubspottest

// The custom properties an account may have, on one object type and in all. They depend on the subscription.
const (
	maxCustom    = 1_000
	maxCustomAll = 10_000
)

func (a *Account) limitRoutes(version string) []route {
	return []route{{pattern: "GET " + crm("limits", version) + "/custom-properties", handle: a.customPropertyLimits}}
}

// usage is how much of a limit is used.
type usage struct {
	ObjectTypeID string  `json:"objectTypeId"`
	Singular     string  `json:"singularLabel"`
	Plural       string  `json:"pluralLabel"`
	Limit        int     `json:"limit"`
	Usage        int     `json:"usage"`
	Percentage   float64 `json:"percentage"`
}

// customPropertyLimits answers how many custom properties each type may have and has.
// https://developers.hubspot.com/docs/api-reference/latest/crm/limits-tracking/guide
func (a *Account) customPropertyLimits(*request) response {
	var types []usage
	total := 0
	for _, t := range objectTypes {
		n := a.stores[t].schema.custom()
		total += n
		types = append(types, usage{t.id, t.singular, t.plural, maxCustom, n, percent(n, maxCustom)})
	}
	return ok(map[string]any{
		"overallLimit": maxCustomAll, "overallUsage": total, "overallPercentage": percent(total, maxCustomAll), "byObjectType": types,
	})
}

func percent(n, of int) float64 { return float64(n) / float64(of) * 100 }

// custom is how many live properties the account itself has defined.
func (s *schema) custom() int {
	n := 0
	for _, p := range s.properties {
		if !p.HubspotDefined && !p.Archived {
			n++
		}
	}
	return n
}
