package hubspottest

import "strconv"

func (a *Account) journalSubRoutes(base string) []route {
	return []route{
		{pattern: "GET " + base, handle: a.listJournalSubs},
		{pattern: "POST " + base, handle: a.createJournalSub},
		{pattern: "GET " + base + "/{id}", handle: a.readJournalSub},
		{pattern: "DELETE " + base + "/{id}", handle: a.deleteJournalSub},
		{pattern: "DELETE " + base + "/portals/{portal}", handle: a.deleteJournalSubsOf},
		{pattern: "POST " + base + "/filters", handle: a.createJournalFilter},
		{pattern: "GET " + base + "/filters/{id}", handle: a.readJournalFilter},
		{pattern: "DELETE " + base + "/filters/{id}", handle: a.deleteJournalFilter},
		{pattern: "GET " + base + "/filters/subscription/{number}", handle: a.listJournalFilters},
	}
}

func (a *Account) listJournalSubs(*request) response {
	return ok(map[string]any{"results": a.server.journal.listSubs(func(*journalSub) bool { return true })})
}

func (a *Account) createJournalSub(q *request) response {
	var in journalSub
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if bad := in.check(a.server); bad != nil {
		return bad.response()
	}
	in.AppID = a.server.AppID
	return ok(a.server.journal.add(in))
}

func (a *Account) readJournalSub(q *request) response {
	id := q.PathValue("id")
	found := a.server.journal.listSubs(withID(id))
	if len(found) == 0 {
		return subscriptionMissing(id).response()
	}
	return ok(found[0])
}

func (a *Account) deleteJournalSub(q *request) response {
	id := q.PathValue("id")
	if !a.server.journal.removeSubs(withID(id)) {
		return subscriptionMissing(id).response()
	}
	return noContent()
}

func (a *Account) deleteJournalSubsOf(q *request) response {
	portal := q.PathValue("portal")
	a.server.journal.removeSubs(func(sub *journalSub) bool { return strconv.FormatInt(sub.PortalID, 10) == portal })
	return noContent()
}

func (a *Account) createJournalFilter(q *request) response {
	var in struct {
		SubscriptionID int64 `json:"subscriptionId"`
		Filter         struct {
			Conditions []condition `json:"conditions"`
		} `json:"filter"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	f, bad := a.server.journal.addFilter(in.SubscriptionID, in.Filter.Conditions)
	if bad != nil {
		return bad.response()
	}
	return ok(map[string]any{"filterId": f.ID})
}

func (a *Account) readJournalFilter(q *request) response {
	id := q.PathValue("id")
	found := a.server.journal.listFilters(func(f *journalFilter) bool { return strconv.FormatInt(f.ID, 10) == id })
	if len(found) == 0 {
		return resourceNotFound()
	}
	return ok(found[0].wire())
}

func (a *Account) deleteJournalFilter(q *request) response {
	a.server.journal.removeFilter(q.PathValue("id"))
	return noContent()
}

func (a *Account) listJournalFilters(q *request) response {
	number := q.PathValue("number")
	list := []map[string]any{}
	for _, f := range a.server.journal.listFilters(func(f *journalFilter) bool { return strconv.FormatInt(f.SubscriptionID, 10) == number }) {
		list = append(list, f.wire())
	}
	return ok(list)
}

func (f journalFilter) wire() map[string]any {
	return map[string]any{
		"id": f.ID, "subscriptionId": f.SubscriptionID, "createdAt": f.CreatedAt,
		"filter": map[string]any{"conditions": f.Conditions},
	}
}
