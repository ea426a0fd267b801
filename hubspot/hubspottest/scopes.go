package hubspottest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// scopeRule says which scopes the calls below a path need. In a scope, {object} stands for the object the path names
// after its prefix, {other} for the one at the other end of an association, {verb} for read or write.
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
type scopeRule struct {
	path   string // without the version
	scopes []string
}

var scopeRules = []scopeRule{
	{"crm/objects", []string{"crm.objects.{object}.{verb}", "crm.objects.{other}.{verb}"}},
	{"crm/associations", []string{"crm.objects.{object}.{verb}", "crm.objects.{other}.{verb}"}},
	{"crm/properties", []string{"crm.schemas.{object}.{verb}"}},
	{"crm/pipelines", []string{"crm.{pipelines}.{object}.{verb}"}},
	{"crm/owners", []string{"crm.objects.owners.read"}},
	{"events/event-definitions", []string{"behavioral_events.event_definitions.read_write"}},
	{"events/custom/event-definitions", []string{"behavioral_events.event_definitions.read_write"}},
	{"events/send", []string{"analytics.behavioral_events.send"}},
	{"events/custom/send", []string{"analytics.behavioral_events.send"}},
	{"automation", []string{"automation"}},
	{"webhooks-journal/journal", []string{"developer.webhooks_journal.read"}},
	{"webhooks-journal/journal-local", []string{"developer.webhooks_journal.read"}},
	{"webhooks-journal/subscriptions", []string{"developer.webhooks_journal.subscriptions.{verb}"}},
	{"webhooks-journal/snapshots", []string{"developer.webhooks_journal.snapshots.{verb}"}},
}

// everyScope is what an installation without a choice gets.
var everyScope = []string{
	"oauth", "automation", "analytics.behavioral_events.send", "behavioral_events.event_definitions.read_write",
	"crm.objects.companies.read", "crm.objects.companies.write", "crm.objects.contacts.read", "crm.objects.contacts.write",
	"crm.objects.deals.read", "crm.objects.deals.write", "crm.objects.owners.read",
	"crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.schemas.deals.read", "crm.schemas.deals.write",
}

// scopeObjects are the objects that scopes know under another name than paths do; activities belong to contacts.
var scopeObjects = map[string]string{
	"0-1": "contacts", "contact": "contacts", "0-2": "companies", "company": "companies", "0-3": "deals", "deal": "deals",
	"0-46": "contacts", "notes": "contacts", "note": "contacts", "0-27": "contacts", "tasks": "contacts", "task": "contacts",
	"0-47": "contacts", "meetings": "contacts", "meeting": "contacts",
	"0-18": "contacts", "communications": "contacts", "communication": "contacts",
	"0-48": "contacts", "calls": "contacts", "0-49": "contacts", "emails": "contacts",
}

var versionPart = regexp.MustCompile(`^(v\d|\d{4}-\d{2}(-beta)?)$`)

// unversioned are the parts of an API path without its version: /crm/v3/objects/deals and /crm/objects/2026-09/deals are
// both crm, objects, deals.
func unversioned(path string) []string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "webhooks" && len(parts) > 2 && parts[1] == "v4" { // the journal's first home
		parts[0] = journalArea
	}
	return slices.DeleteFunc(parts, versionPart.MatchString)
}

const journalArea = "webhooks-journal"

// scopesNeeded are the scopes a call needs, all of them; nil means none.
func scopesNeeded(method, path string) []string {
	parts := unversioned(path)
	for _, rule := range scopeRules {
		prefix := strings.Split(rule.path, "/")
		if len(parts) >= len(prefix) && slices.Equal(parts[:len(prefix)], prefix) {
			return rule.fill(method, parts[len(prefix):])
		}
	}
	return nil
}

func (rule scopeRule) fill(method string, rest []string) []string {
	verb, pipelines := "write", "schemas"
	if reads(method, rest) {
		verb, pipelines = "read", "objects"
	}
	object, other := ends(rule.path, rest)
	names := strings.NewReplacer("{verb}", verb, "{pipelines}", pipelines, "{object}", scopeObject(object), "{other}", scopeObject(other))
	var scopes []string
	for _, scope := range rule.scopes {
		if strings.Contains(scope, "{object}") && object == "" || strings.Contains(scope, "{other}") && other == "" {
			continue
		}
		scopes = append(scopes, names.Replace(scope))
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// reads reports whether a call only looks; some look by POST.
func reads(method string, rest []string) bool {
	tail := strings.Join(rest[max(len(rest)-2, 0):], "/")
	return method == http.MethodGet || method == http.MethodPost && (strings.HasSuffix(tail, "search") || tail == "batch/read")
}

// ends are the object types that a path below a prefix names: objects/deals/1/associations/default/notes/2 has two.
func ends(prefix string, rest []string) (object, other string) {
	if len(rest) > 0 {
		object = rest[0]
	}
	switch {
	case prefix == "crm/associations" && len(rest) > 1:
		other = rest[1]
	case prefix == "crm/objects":
		if i := slices.Index(rest, "associations"); i > 0 {
			to := slices.DeleteFunc(slices.Clone(rest[i+1:]), func(s string) bool { return s == "default" })
			if len(to) > 0 {
				other = to[0]
			}
		}
	}
	return object, other
}

func scopeObject(name string) string {
	if known, ok := scopeObjects[name]; ok {
		return known
	}
	return name
}

// forbids is the refusal of a call that a grant's scopes do not cover, or nil. The journal is for the app itself, the rest
// for its installations.
func (g grant) forbids(method, path string) *apiError {
	needed := scopesNeeded(method, path)
	journal := unversioned(path)[0] == journalArea
	if journal != (g.use == useClient) {
		return missingScopes(needed)
	}
	lacking := slices.DeleteFunc(needed, func(s string) bool { return g.scopes == nil || slices.Contains(g.scopes, s) })
	if len(lacking) > 0 {
		return missingScopes(lacking)
	}
	return nil
}
