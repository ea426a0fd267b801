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

// caller is a record with its telephone numbers.
type caller struct {
	record  sync.Record
	numbers []phone
}

// findByPhone keeps those of the callers found whose number surely is the one
// asked for.
func (c *collection) findByPhone(ctx context.Context, values []string) ([][]sync.Record, error) {
	records := make([][]sync.Record, len(values))
	var numbers []string
	var places []int
	for i, v := range values {
		if p := c.parsePhone(v); len(p.national) >= minDigits {
			numbers = append(numbers, p.national)
			places = append(places, i)
		}
	}
	got, err := c.phones.Do(ctx, numbers...)
	if err != nil {
		return nil, err
	}
	for n, i := range places {
		want := c.parsePhone(values[i])
		for _, found := range got[n] {
			if slices.ContainsFunc(found.numbers, want.same) {
				rec := found.record
				rec.Fields = rec.Fields.Clone() // callers may share one answer
				records[i] = append(records[i], rec)
			}
		}
	}
	return records, nil
}

// phoneBatch searches for one batch of national numbers, reads what was found
// afresh, since a search may tell an old state, and returns for each number
// the records that have a number ending in it.
func (c *collection) phoneBatch(ctx context.Context, numbers []string) ([][]caller, error) {
	var ids []string
	for rest := numbers; len(rest) > 0; {
		req, n := phoneSearch(rest)
		objects, err := c.searchAll(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			ids = append(ids, o.ID)
		}
		rest = rest[n:]
	}
	all, err := c.readCallers(ctx, ids)
	if err != nil {
		return nil, err
	}
	callers := make([][]caller, len(numbers))
	for i, number := range numbers {
		for _, one := range all {
			if slices.ContainsFunc(one.numbers, func(p phone) bool { return p.ends(number) }) {
				callers[i] = append(callers[i], one)
			}
		}
	}
	return callers, nil
}

// readCallers reads the records by id.
func (c *collection) readCallers(ctx context.Context, ids []string) ([]caller, error) {
	var callers []caller
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), maxBatch) {
		objects, err := c.fetch(ctx, "", chunk)
		if err != nil {
			return nil, err
		}
		for _, o := range objects.list {
			one := caller{record: o.record(c.kind, c.properties)}
			for name := range phoneProperties {
				if v := o.value(name); v != "" {
					one.numbers = append(one.numbers, c.parsePhone(v))
				}
			}
			callers = append(callers, one)
		}
	}
	return callers, nil
}

// phoneSearch returns a search for as many of the numbers, from the first, as
// fit into one body.
func phoneSearch(numbers []string) (searchRequest, int) {
	for n := len(numbers); ; n = max(n*9/10, 1) {
		req := searchRequest{Limit: maxSearchPage, Properties: []string{propObjectID}}
		for _, name := range []string{"phone", "mobilephone"} {
			req.FilterGroups = append(req.FilterGroups, filterGroup{[]filter{
				{Property: phoneProperties[name], Operator: "IN", Values: numbers[:n]}}})
		}
		if !req.tooLong() || n == 1 {
			return req, n
		}
	}
}

// tooLong reports whether HubSpot would refuse the search for its length.
func (r searchRequest) tooLong() bool {
	body, _ := json.Marshal(r)
	return len(body) > maxSearchBody
}

func (c *collection) searchAll(ctx context.Context, req searchRequest) ([]object, error) {
	var all []object
	for range maxPhonePages {
		var reply searchReply
		if _, err := c.client.call(ctx, opSearch, c.target(), req, &reply); err != nil {
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

// phone is a telephone number taken apart. country is "" when it is not known.
type phone struct{ country, national string }

// parsePhone takes a number apart; one that makes no sense is left as digits.
func (c *collection) parsePhone(s string) phone {
	if p, err := phonenumbers.Parse(s, c.region); err == nil {
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

// ends reports whether the shorter of the two ends the longer.
func (p phone) ends(number string) bool {
	return strings.HasSuffix(p.national, number) || strings.HasSuffix(number, p.national)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
