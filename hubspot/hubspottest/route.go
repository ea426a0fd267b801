package hubspottest

import "net/http"

// family is one API version's set of path prefixes.
// https://developers.hubspot.com/docs/api-reference/latest/overview
type family struct{ version, objects, properties, account string }

var families = []family{
	{"v3", "/crm/v3/objects/", "/crm/v3/properties/", "/account-info/v3/details"},
	{"2026-03", "/crm/objects/2026-03/", "/crm/properties/2026-03/", "/account-info/2026-03/details"},
	{"2026-09", "/crm/objects/2026-09/", "/crm/properties/2026-09/", "/account-info/2026-09/details"},
}

// routes serves the same handlers under every family, by the plural name and by the object type id.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, f := range families {
		mux.Handle("GET "+f.account, s.serve(f.version, false, s.accountDetails))
		for _, object := range []string{"contacts", objectTypeID} {
			s.objectRoutes(mux, f.version, f.objects+object)
			s.propertyRoutes(mux, f.version, f.properties+object)
		}
	}
	mux.Handle("/", s.serve("", false, func(*request) response { return resourceNotFound() }))
	return mux
}

func (s *Server) objectRoutes(mux *http.ServeMux, version, base string) {
	for pattern, h := range map[string]handler{
		"GET " + base:                     s.list,
		"POST " + base:                    s.create,
		"GET " + base + "/{id}":           s.read,
		"PATCH " + base + "/{id}":         s.update,
		"DELETE " + base + "/{id}":        s.archive,
		"POST " + base + "/batch/create":  s.batchCreate,
		"POST " + base + "/batch/read":    s.batchRead,
		"POST " + base + "/batch/update":  s.batchUpdate,
		"POST " + base + "/batch/upsert":  s.batchUpsert,
		"POST " + base + "/batch/archive": s.batchArchive,
		"POST " + base + "/merge":         s.merge,
		"POST " + base + "/gdpr-delete":   s.gdprDelete,
	} {
		mux.Handle(pattern, s.serve(version, false, h))
	}
	mux.Handle("POST "+base+"/search", s.serve(version, true, s.search))
}

func (s *Server) propertyRoutes(mux *http.ServeMux, version, base string) {
	for pattern, h := range map[string]handler{
		"GET " + base:                    s.listProperties,
		"POST " + base:                   s.createProperty,
		"GET " + base + "/{name}":        s.readProperty,
		"POST " + base + "/batch/read":   s.batchReadProperties,
		"POST " + base + "/batch/create": s.batchCreateProperties,
		"GET " + base + "/groups":        s.listGroups,
		"POST " + base + "/groups":       s.createGroup,
		"GET " + base + "/groups/{name}": s.readGroup,
	} {
		mux.Handle(pattern, s.serve(version, false, h))
	}
}

// accountDetails answers the facts that bind a token to its account.
func (s *Server) accountDetails(*request) response {
	return response{http.StatusOK, map[string]any{
		"portalId": s.PortalID, "accountType": "DEVELOPER_TEST", "timeZone": "America/Bogota",
		"companyCurrency": "USD", "additionalCurrencies": []string{},
		"utcOffset": "-05:00", "utcOffsetMilliseconds": -18_000_000,
		"uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
	}}
}
