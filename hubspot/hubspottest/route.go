package hubspottest

import "net/http"

// route is one operation: a pattern of http.ServeMux and what answers it. {object} in the pattern stands for an object type
// by its plural or its id; its records are then the request's store.
type route struct {
	pattern string
	handle  handler
	lane    lane
	open    bool // no token is needed
}

// lane is the quota that a route is charged to.
type lane int

const (
	standard lane = iota
	searching
	unmetered // counts for nothing, or has limits of its own
)

// versions are the path sets served from the same records.
// https://developers.hubspot.com/docs/api-reference/latest/overview
var versions = []string{"v3", "2026-03", "2026-09"}

// crm is where one of the CRM APIs lives in a version, such as /crm/v3/objects or /crm/objects/2026-09.
func crm(api, version string) string { return prefix("crm", api, version) }

// prefix is the base of an API: legacy versions stand before its name, dated ones after it.
func prefix(family, api, version string) string {
	if version[0] == 'v' {
		return "/" + family + "/" + version + "/" + api
	}
	return "/" + family + "/" + api + "/" + version
}

// tables are the routes of a version, one table for each part of the API.
var tables = []func(a *Account, version string) []route{
	(*Account).accountRoutes,
	(*Account).objectRoutes,
	(*Account).propertyRoutes,
	(*Account).associationRoutes,
	(*Account).pipelineRoutes,
	(*Account).ownerRoutes,
	(*Account).limitRoutes,
	(*Account).oauthRoutes,
	(*Account).pushRoutes,
	(*Account).journalRoutes,
	(*Account).eventRoutes,
	(*Account).actionRoutes,
}

func (a *Account) routes() http.Handler {
	mux := http.NewServeMux()
	for _, version := range versions {
		for _, table := range tables {
			for _, rt := range table(a, version) {
				mux.Handle(rt.pattern, a.serve(version, rt))
			}
		}
	}
	mux.Handle("/", a.serve("", route{handle: func(*request) response { return resourceNotFound() }}))
	return mux
}

func (a *Account) objectRoutes(version string) []route {
	base := crm("objects", version) + "/{object}"
	return []route{
		{pattern: "GET " + base, handle: a.list},
		{pattern: "POST " + base, handle: a.create},
		{pattern: "GET " + base + "/{id}", handle: a.read},
		{pattern: "PATCH " + base + "/{id}", handle: a.update},
		{pattern: "DELETE " + base + "/{id}", handle: a.archive},
		{pattern: "POST " + base + "/batch/create", handle: a.batchCreate},
		{pattern: "POST " + base + "/batch/read", handle: a.batchRead},
		{pattern: "POST " + base + "/batch/update", handle: a.batchUpdate},
		{pattern: "POST " + base + "/batch/upsert", handle: a.batchUpsert},
		{pattern: "POST " + base + "/batch/archive", handle: a.batchArchive},
		{pattern: "POST " + base + "/merge", handle: a.merge},
		{pattern: "POST " + base + "/gdpr-delete", handle: a.gdprDelete},
		{pattern: "POST " + base + "/search", handle: a.search, lane: searching},
	}
}

func (a *Account) propertyRoutes(version string) []route {
	base := crm("properties", version) + "/{object}"
	return []route{
		{pattern: "GET " + base, handle: a.listProperties},
		{pattern: "POST " + base, handle: a.createProperty},
		{pattern: "GET " + base + "/{name}", handle: a.readProperty},
		{pattern: "PATCH " + base + "/{name}", handle: a.updateProperty},
		{pattern: "DELETE " + base + "/{name}", handle: a.archiveProperty},
		{pattern: "POST " + base + "/batch/read", handle: a.batchReadProperties},
		{pattern: "POST " + base + "/batch/create", handle: a.batchCreateProperties},
		{pattern: "POST " + base + "/batch/archive", handle: a.batchArchiveProperties},
		{pattern: "GET " + base + "/groups", handle: a.listGroups},
		{pattern: "POST " + base + "/groups", handle: a.createGroup},
		{pattern: "GET " + base + "/groups/{name}", handle: a.readGroup},
		{pattern: "PATCH " + base + "/groups/{name}", handle: a.updateGroup},
		{pattern: "DELETE " + base + "/groups/{name}", handle: a.archiveGroup},
	}
}

func (a *Account) accountRoutes(version string) []route {
	return []route{{pattern: "GET /account-info/" + version + "/details", handle: a.accountDetails}}
}

// accountDetails answers the facts that bind a token to its account.
func (a *Account) accountDetails(*request) response {
	_, offset := a.clock.Now().In(a.opts.Location).Zone()
	return ok(map[string]any{
		"portalId": a.PortalID, "accountType": "DEVELOPER_TEST", "timeZone": a.opts.Location.String(),
		"companyCurrency": "USD", "additionalCurrencies": []string{},
		"utcOffset": a.clock.Now().In(a.opts.Location).Format("-07:00"), "utcOffsetMilliseconds": offset * 1000,
		"uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
	})
}
