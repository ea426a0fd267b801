package hubspot

import (
	"context"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// phoneProperties hold telephone numbers, each with the calculated property
// through which HubSpot finds them: the number without its country code.
// Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
var phoneProperties = map[string]string{
	"phone":       "hs_searchable_calculated_phone_number",
	"mobilephone": "hs_searchable_calculated_mobile_number",
}

// Match implements [sync.Matcher]. It knows the keys [sync.IDField], the
// properties of Object.Unique, and for contacts email and phone or mobilephone
// (either means both). Probes go rung by rung, and only those not yet decided go on; all
// that ask at the same time share their calls.
//
// Ids, unique properties and e-mail addresses are looked up consistently. Only
// telephone numbers go through HubSpot's search, which lags behind writes by
// seconds; what it finds is read again and compared.
func (a *Adapter) Match(ctx context.Context, kind sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	c, err := a.of("hubspot: match", kind)
	if err != nil {
		return nil, err
	}
	matches := make([]sync.Match, len(probes))
	for rung := 0; ; rung++ {
		asks := map[string][]int{}
		more := false
		for i, p := range probes {
			if len(matches[i].Candidates) > 0 || rung >= len(p) {
				continue
			}
			more = true
			if !p[rung].Value.Blank() {
				asks[p[rung].Name] = append(asks[p[rung].Name], i)
			}
		}
		if !more {
			return matches, nil
		}
		for name, places := range asks {
			if err := c.climb(ctx, name, rung, probes, places, matches); err != nil {
				return nil, err
			}
		}
	}
}

// climb asks one key of the probes at these places.
func (c *collection) climb(ctx context.Context, name string, rung int, probes []sync.Probe, places []int, matches []sync.Match) error {
	values := make([]string, len(places))
	for n, i := range places {
		values[n] = strings.TrimSpace(probes[i][rung].Value.String())
	}
	found, err := c.find(ctx, name, values)
	if err != nil {
		return err
	}
	for n, i := range places {
		if len(found[n]) > 0 {
			matches[i] = sync.Match{Candidates: found[n], By: name}
		}
	}
	return nil
}

// find returns the candidates for each value of a key.
func (c *collection) find(ctx context.Context, name string, values []string) ([][]sync.Record, error) {
	_, phone := phoneProperties[name]
	contact := c.kind == Contact
	switch {
	case name == sync.IDField:
		return c.findByID(ctx, values)
	case contact && name == propEmail, slices.Contains(c.unique, name):
		return c.findUnique(ctx, name, values)
	case contact && phone:
		return c.findByPhone(ctx, values)
	}
	return nil, &sync.Error{Op: "hubspot: match", Action: sync.Fatal, Field: name, Rule: "key.known",
		Hint: "match by id, by a property named in Object.Unique, and contacts by email or phone"}
}

func (c *collection) findByID(ctx context.Context, ids []string) ([][]sync.Record, error) {
	records, err := c.read(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make([][]sync.Record, len(ids))
	for i, r := range records {
		if !r.Deleted {
			found[i] = []sync.Record{r}
		}
	}
	return found, nil
}

// lookup asks for the record whose unique property has a value.
type lookup struct{ property, value string }

func (l lookup) key() string { return l.property + " " + strings.ToLower(l.value) }

// found answers a lookup.
type found struct {
	records []sync.Record
	err     error
}

func (c *collection) findUnique(ctx context.Context, property string, values []string) ([][]sync.Record, error) {
	records := make([][]sync.Record, len(values))
	var asks []lookup
	var places []int
	for i, v := range values {
		// HubSpot refuses a whole batch for one malformed address.
		if property == propEmail && !plausibleEmail(v) {
			continue
		}
		asks = append(asks, lookup{property, v})
		places = append(places, i)
	}
	got, err := c.lookups.Do(ctx, asks...)
	if err != nil {
		return nil, err
	}
	for n, f := range got {
		if f.err != nil {
			return nil, f.err
		}
		for _, r := range f.records {
			r.Fields = r.Fields.Clone() // callers may share one answer
			records[places[n]] = append(records[places[n]], r)
		}
	}
	return records, nil
}

func plausibleEmail(s string) bool {
	user, host, ok := strings.Cut(s, "@")
	return ok && user != "" && host != "" && !strings.ContainsAny(s, " \t\r\n;,") && !strings.Contains(host, "@")
}

// lookupBatch reads one batch of lookups, one call for each property.
func (c *collection) lookupBatch(ctx context.Context, asks []lookup) ([]found, error) {
	out := make([]found, len(asks))
	places := map[string][]int{}
	for i, l := range asks {
		places[l.property] = append(places[l.property], i)
	}
	for property, where := range places {
		c.lookupProperty(ctx, property, asks, where, out)
	}
	return out, nil
}

// lookupProperty reads by one property. A value that HubSpot refuses fails
// alone.
func (c *collection) lookupProperty(ctx context.Context, property string, asks []lookup, where []int, out []found) {
	t := trial[int]{
		send: func(where []int) error { return c.lookupValues(ctx, property, asks, where, out) },
		fail: func(i int, err error) { out[i].err = err },
	}
	t.run(where)
}

func (c *collection) lookupValues(ctx context.Context, property string, asks []lookup, where []int, out []found) error {
	values := make([]string, len(where))
	for n, i := range where {
		values[n] = asks[i].value
	}
	objects, err := c.fetch(ctx, property, values)
	if err != nil {
		return err
	}
	for n, i := range where {
		for o := range slices.Values(objects.list) {
			if o.holds(property, values[n]) {
				out[i].records = append(out[i].records, o.record(c.kind, c.properties))
			}
		}
	}
	return nil
}

// holds reports whether the record really has the value: how HubSpot treats
// secondary addresses in such reads is not documented, so it is checked.
func (o *object) holds(property, value string) bool {
	if o.Archived {
		return false
	}
	if strings.EqualFold(o.value(property), value) {
		return true
	}
	return property == propEmail && slices.ContainsFunc(strings.Split(o.value(propMoreEmails), ";"),
		func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), value) })
}
