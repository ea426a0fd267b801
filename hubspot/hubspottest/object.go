package hubspottest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is one record. Its values are the newest revisions of its history.
type object struct {
	*store   // where it belongs
	id       int64
	history  map[string][]Revision // oldest first
	born     time.Time
	updated  time.Time
	archived time.Time // zero while live
}

func (o *object) key() string { return strconv.FormatInt(o.id, 10) }

func (o *object) live() bool { return o.archived.IsZero() }

// value is the present value of a property, "" when unset.
func (o *object) value(property string) string { return o.valueAt(property, time.Time{}) }

// valueAt is the value a property had at a time; the zero time means now.
func (o *object) valueAt(property string, at time.Time) string {
	if from, ok := calculated[property]; ok {
		return searchablePhone(o.valueAt(from, at))
	}
	all := o.history[property]
	for i := len(all) - 1; i >= 0; i-- {
		if at.IsZero() || !all[i].At.After(at) {
			return all[i].Value
		}
	}
	return ""
}

// values are the set values by property.
func (o *object) values() map[string]string {
	set := map[string]string{}
	for name := range o.history {
		if v := o.value(name); v != "" {
			set[name] = v
		}
	}
	return set
}

func (o *object) set(property string, r Revision) {
	o.history[property] = append(o.history[property], r)
}

// emails are all addresses of a contact, the primary one first.
func (o *object) emails() []string {
	return emailsOf(o.value(propEmail), o.value(propMoreEmails))
}

func emailsOf(primary, additional string) []string {
	var all []string
	for _, e := range append([]string{primary}, strings.Split(additional, ";")...) {
		if e = foldEmail(e); e != "" && !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return all
}
