package hubspot

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"github.com/urbanhub/crmsync/sync"
)

// Bounds of a search. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
const (
	maxSearchBody = 3000 // characters
	maxSearchPage = 200
	maxPhonePages = 5 // numbers that so many contacts share identify nobody
	minDigits     = 7 // fewer identify nobody
)

// findByPhone searches for the numbers, reads what was found and keeps the
// records that really have them.
func (a *Adapter) findByPhone(ctx context.Context, values []string) ([][]sync.Record, error) {
	records := make([][]sync.Record, len(values))
	var numbers []string
	var places []int
	for i, v := range values {
		if p := a.parsePhone(v); len(p.national) >= minDigits {
			numbers = append(numbers, p.national)
			places = append(places, i)
		}
	}
	got, err := a.phones.Do(ctx, numbers...)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, list := range got {
		ids = append(ids, list...)
	}
	held, err := a.readPhones(ctx, ids)
	if err != nil {
		return nil, err
	}
	for n, i := range places {
		want := a.parsePhone(values[i])
		for _, id := range got[n] {
			if c := held[id]; slices.ContainsFunc(c.numbers, want.same) {
				rec := c.record
				rec.Fields = rec.Fields.Clone()
				records[i] = append(records[i], rec)
			}
		}
	}
	return records, nil
}

// caller is a record with its telephone numbers.
type caller struct {
	record  sync.Record
	numbers []phone
}

// readPhones reads the records afresh, since a search may tell an old state.
func (a *Adapter) readPhones(ctx context.Context, ids []string) (map[string]caller, error) {
	held := map[string]caller{}
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), maxBatch) {
		objects, err := a.fetch(ctx, "", chunk)
		if err != nil {
			return nil, err
		}
		for _, o := range objects.list {
			c := caller{record: o.record(a.opts.Properties)}
			for name := range phoneProperties {
				if v := o.value(name); v != "" {
					c.numbers = append(c.numbers, a.parsePhone(v))
				}
			}
			held[o.ID] = c
		}
	}
	return held, nil
}

// phoneBatch searches for one batch of national numbers and returns the ids
// found for each.
func (a *Adapter) phoneBatch(ctx context.Context, numbers []string) ([][]string, error) {
	ids := make([][]string, len(numbers))
	for start := 0; start < len(numbers); {
		req, n := phoneSearch(numbers[start:])
		objects, err := a.searchAll(ctx, req)
		if err != nil {
			return nil, err
		}
		for i := start; i < start+n; i++ {
			for _, o := range objects {
				if o.mayHave(numbers[i]) {
					ids[i] = append(ids[i], o.ID)
				}
			}
		}
		start += n
	}
	return ids, nil
}

// phoneSearch returns a search for as many of the numbers, from the first, as
// fit into one body.
func phoneSearch(numbers []string) (searchRequest, int) {
	for n := len(numbers); ; n = max(n*9/10, 1) {
		req := searchRequest{Limit: maxSearchPage, Properties: []string{}}
		for _, name := range []string{"phone", "mobilephone"} {
			req.Properties = append(req.Properties, phoneProperties[name], name)
			req.FilterGroups = append(req.FilterGroups, filterGroup{[]filter{
				{Property: phoneProperties[name], Operator: "IN", Values: numbers[:n]}}})
		}
		if body, _ := json.Marshal(req); len(body) <= maxSearchBody || n == 1 {
			return req, n
		}
	}
}

func (a *Adapter) searchAll(ctx context.Context, req searchRequest) ([]object, error) {
	var all []object
	for range maxPhonePages {
		var reply searchReply
		if _, err := a.client.post(ctx, opSearch, req, &reply); err != nil {
			return nil, err
		}
		all = append(all, reply.Results...)
		req.After = reply.Paging.Next.After
		if req.After == "" {
			break
		}
	}
	return all, nil
}

// mayHave reports whether a search's result can have been found by a national
// number.
func (o *object) mayHave(national string) bool {
	for name, searchable := range phoneProperties {
		if o.value(searchable) == national || strings.HasSuffix(digits(o.value(name)), national) {
			return true
		}
	}
	return false
}

// phone is a telephone number taken apart. country is "" when it is not known.
type phone struct{ country, national string }

// parsePhone takes a number apart; one that makes no sense is left as digits.
func (a *Adapter) parsePhone(s string) phone {
	if p, err := phonenumbers.Parse(s, a.opts.Region); err == nil {
		return phone{country: strconv.Itoa(int(p.GetCountryCode())), national: phonenumbers.GetNationalSignificantNumber(p)}
	}
	return phone{national: digits(s)}
}

// same reports whether two numbers are surely the same line. Where the country
// of one is not known its digits must be the other's, as they are dialled at
// home or from abroad.
func (p phone) same(q phone) bool {
	if p.country == "" {
		p, q = q, p
	}
	if p.country == "" || q.country != "" {
		return p == q
	}
	for _, prefix := range []string{"", "0", p.country, "00" + p.country} {
		if q.national == prefix+p.national {
			return true
		}
	}
	return false
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
