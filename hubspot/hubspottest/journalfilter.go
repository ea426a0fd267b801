package hubspottest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// journalFilter narrows a subscription: all its conditions must hold. One filter of several is enough.
type journalFilter struct {
	ID             int64       `json:"id"`
	SubscriptionID int64       `json:"subscriptionId"`
	CreatedAt      string      `json:"createdAt"`
	Conditions     []condition `json:"conditions"`
}

type condition struct {
	FilterType string   `json:"filterType"`
	Property   string   `json:"property"`
	Operator   string   `json:"operator"`
	Value      string   `json:"value,omitempty"`
	Values     []string `json:"values,omitempty"`
}

// passes applies the filters, which concern creations and updates only.
func (s *journalSub) passes(e *journalEvent) bool {
	if len(s.filters) == 0 || e.Action != "CREATE" && e.Action != "UPDATE" {
		return true
	}
	return slices.ContainsFunc(s.filters, func(f *journalFilter) bool {
		return !slices.ContainsFunc(f.Conditions, func(c condition) bool { return !c.holds(e.seen[c.Property]) })
	})
}

// filterOperators compare a property's value with a condition.
var filterOperators = map[string]func(v string, c condition) bool{
	"EQ":           func(v string, c condition) bool { return v == c.Value },
	"N_EQ":         func(v string, c condition) bool { return v != c.Value },
	"LT":           func(v string, c condition) bool { return v != "" && compareValues(v, c.Value) < 0 },
	"GT":           func(v string, c condition) bool { return v != "" && compareValues(v, c.Value) > 0 },
	"LTE":          func(v string, c condition) bool { return v != "" && compareValues(v, c.Value) <= 0 },
	"GTE":          func(v string, c condition) bool { return v != "" && compareValues(v, c.Value) >= 0 },
	"CONTAINS":     func(v string, c condition) bool { return strings.Contains(v, c.Value) },
	"STARTS_WITH":  func(v string, c condition) bool { return strings.HasPrefix(v, c.Value) },
	"ENDS_WITH":    func(v string, c condition) bool { return strings.HasSuffix(v, c.Value) },
	"IN":           func(v string, c condition) bool { return slices.Contains(c.Values, v) },
	"NOT_IN":       func(v string, c condition) bool { return !slices.Contains(c.Values, v) },
	"IS_EMPTY":     func(v string, _ condition) bool { return v == "" },
	"IS_NOT_EMPTY": func(v string, _ condition) bool { return v != "" },
}

func (c condition) holds(value string) bool { return filterOperators[c.Operator](value, c) }

// compareValues compares numbers as numbers and everything else as text.
func compareValues(a, b string) int {
	x, badX := strconv.ParseFloat(a, 64)
	y, badY := strconv.ParseFloat(b, 64)
	if badX != nil || badY != nil {
		return strings.Compare(a, b)
	}
	return cmp.Compare(x, y)
}

// addFilter narrows a subscription; the refusal is nil when it could.
func (j *journal) addFilter(subscription int64, conditions []condition) (journalFilter, *apiError) {
	for _, c := range conditions {
		if filterOperators[c.Operator] == nil || c.FilterType != "CRM_OBJECT_PROPERTY" || c.Property == "" {
			return journalFilter{}, invalid("The condition on %q with operator %q is not valid.", c.Property, c.Operator)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.subs, func(s *journalSub) bool { return s.ID == subscription })
	if i < 0 {
		return journalFilter{}, subscriptionMissing(strconv.FormatInt(subscription, 10))
	}
	j.publish()
	j.lastID++
	f := &journalFilter{ID: j.lastID, SubscriptionID: subscription, CreatedAt: j.clock.Now().Format(timeLayout), Conditions: conditions}
	j.subs[i].filters = append(j.subs[i].filters, f)
	return *f, nil
}

// listFilters copies the filters that match.
func (j *journal) listFilters(match func(*journalFilter) bool) []journalFilter {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := []journalFilter{}
	for _, s := range j.subs {
		for _, f := range s.filters {
			if match(f) {
				list = append(list, *f)
			}
		}
	}
	return list
}

func (j *journal) removeFilter(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.publish()
	for _, s := range j.subs {
		s.filters = slices.DeleteFunc(s.filters, func(f *journalFilter) bool { return strconv.FormatInt(f.ID, 10) == id })
	}
}

// watchesValues reports whether some filter looks at records' values.
func (j *journal) watchesValues() bool {
	return len(j.listFilters(func(*journalFilter) bool { return true })) > 0
}
