package hubspottest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// pushBases are the homes of the push-webhook management API.
var pushBases = map[string]string{"v3": "/webhooks/v3", "2026-03": "/webhooks/2026-03", "2026-09": "/app-webhooks/2026-09"}

// pushRoutes manage push webhooks. They take the developer key (?hapikey=) or a token of the app, count against no quota
// and know one app.
// https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide
func (a *Account) pushRoutes(version string) []route {
	settings := pushBases[version] + "/{appId}/settings"
	subs := pushBases[version] + "/{appId}/subscriptions"
	all := []route{
		{pattern: "GET " + settings, handle: a.readSettings},
		{pattern: "PUT " + settings, handle: a.writeSettings},
		{pattern: "DELETE " + settings, handle: a.deleteSettings},
		{pattern: "GET " + subs, handle: a.listSubscriptions},
		{pattern: "POST " + subs, handle: a.createSubscription},
		{pattern: "GET " + subs + "/{id}", handle: a.readSubscription},
		{pattern: "PATCH " + subs + "/{id}", handle: a.changeSubscription},
		{pattern: "DELETE " + subs + "/{id}", handle: a.deleteSubscription},
		{pattern: "POST " + subs + "/batch/update", handle: a.batchUpdateSubscriptions},
	}
	for i := range all {
		all[i].open, all[i].lane, all[i].handle = true, unmetered, a.managing(all[i].handle)
	}
	return all
}

// managing lets the app's developer in.
func (a *Account) managing(h handler) handler {
	return func(q *request) response {
		if !a.isDeveloper(q) {
			return unauthenticated().response()
		}
		if q.PathValue("appId") != strconv.FormatInt(a.server.AppID, 10) {
			return resourceNotFound()
		}
		return h(q)
	}
}

func (a *Account) isDeveloper(q *request) bool {
	if key := q.URL.Query().Get("hapikey"); key != "" {
		return key == a.server.DeveloperKey
	}
	return q.grant.app == a.server.AppID
}

func (a *Account) readSettings(*request) response {
	if settings := a.server.registry.configured(); settings != nil {
		return ok(settings)
	}
	return resourceNotFound()
}

func (a *Account) writeSettings(q *request) response {
	var in pushSettings
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	out, bad := a.server.registry.configure(in)
	if bad != nil {
		return bad.response()
	}
	return ok(out)
}

func (a *Account) deleteSettings(*request) response {
	a.server.registry.unconfigure()
	return noContent()
}

func (a *Account) listSubscriptions(*request) response {
	return ok(map[string]any{"results": a.server.registry.all()})
}

func (a *Account) createSubscription(q *request) response {
	var in managed
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	out, bad := a.server.registry.add(in)
	if bad != nil {
		return bad.response()
	}
	return response{http.StatusCreated, out}
}

func (a *Account) readSubscription(q *request) response {
	m, known := a.server.registry.get(q.PathValue("id"))
	return orMissing(q, m, known)
}

func (a *Account) changeSubscription(q *request) response {
	var in struct {
		Active bool `json:"active"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	m, known := a.server.registry.change(q.PathValue("id"), in.Active)
	return orMissing(q, m, known)
}

func orMissing(q *request, m managed, known bool) response {
	if !known {
		return subscriptionMissing(q.PathValue("id")).response()
	}
	return ok(m)
}

func (a *Account) deleteSubscription(q *request) response {
	a.server.registry.remove(q.PathValue("id"))
	return noContent()
}

// batchUpdateSubscriptions pauses and resumes many; unknown ids are reported, not fatal.
func (a *Account) batchUpdateSubscriptions(q *request) response {
	var in struct {
		Inputs []struct {
			ID     json.Number `json:"id"`
			Active bool        `json:"active"`
		} `json:"inputs"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	r := a.server.registry
	out := pushBatch{Status: "COMPLETE", Results: []managed{}, StartedAt: r.stamp()}
	for _, input := range in.Inputs {
		if m, known := r.change(input.ID.String(), input.Active); known {
			out.Results = append(out.Results, m)
		} else {
			out.Errors = append(out.Errors, subscriptionMissing(input.ID.String()))
		}
	}
	out.CompletedAt, out.NumErrors = r.stamp(), len(out.Errors)
	status := http.StatusOK
	if out.NumErrors > 0 {
		status = http.StatusMultiStatus
	}
	return response{status, out}
}

type pushBatch struct {
	Status      string      `json:"status"`
	Results     []managed   `json:"results"`
	NumErrors   int         `json:"numErrors,omitempty"`
	Errors      []*apiError `json:"errors,omitempty"`
	StartedAt   string      `json:"startedAt"`
	CompletedAt string      `json:"completedAt"`
}

func subscriptionMissing(id string) *apiError {
	e := fail(http.StatusNotFound, "OBJECT_NOT_FOUND", "The subscription does not exist.")
	e.Context = map[string][]string{"subscriptionId": {id}}
	return e
}
