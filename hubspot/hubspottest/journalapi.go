package hubspottest

import (
	"net/http"
	"slices"
	"strconv"
)

// journalBases are the homes of an area of the journal in a version; it came with v4.
func journalBases(area, version string) []string {
	if version == "v3" {
		return []string{"/webhooks/v4/" + area, "/" + journalArea + "/" + area + "/v4"}
	}
	return []string{prefix(journalArea, area, version)}
}

// journalRoutes serve the journal. Its calls need client credentials and have rate limits of their own.
// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
func (a *Account) journalRoutes(version string) []route {
	areas := map[string]func(base string) []route{
		"journal": a.journalReads, "journal-local": a.journalReads,
		"subscriptions": a.journalSubRoutes, "snapshots": a.snapshotRoutes,
	}
	var all []route
	for area, table := range areas {
		for _, base := range journalBases(area, version) {
			for _, rt := range table(base) {
				all = append(all, route{pattern: rt.pattern, handle: a.journalLimited(area, rt.handle), lane: unmetered})
			}
		}
	}
	if version == "v3" {
		all = append(all, route{pattern: "GET " + filesPath + "{offset}", handle: a.journalFile, open: true, lane: unmetered})
	}
	return all
}

func (a *Account) journalReads(base string) []route {
	return []route{
		{pattern: "GET " + base + "/earliest", handle: a.journalPage(pickEarliest)},
		{pattern: "GET " + base + "/latest", handle: a.journalPage(pickLatest)},
		{pattern: "GET " + base + "/offset/{offset}/next", handle: a.journalPage(pickNext)},
		{pattern: "GET " + base + "/batch/earliest/{count}", handle: a.journalPage(pickEarliest)},
		{pattern: "GET " + base + "/batch/latest/{count}", handle: a.journalPage(pickLatest)},
		{pattern: "GET " + base + "/batch/{offset}/next/{count}", handle: a.journalPage(pickNext)},
		{pattern: "POST " + base + "/batch/read", handle: a.readOffsets},
		{pattern: "GET " + base + "/status/{id}", handle: a.snapshotStatus},
	}
}

// journalLimited charges the area's limit and looks that a local journal has an account.
func (a *Account) journalLimited(area string, h handler) handler {
	return func(q *request) response {
		if wait, over := a.server.journal.limit(area); over {
			setRetryAfter(q.reply, wait)
			return limited(policySearch)
		}
		if area == "journal-local" {
			q.portal, _ = strconv.ParseInt(q.URL.Query().Get("installPortalId"), 10, 64)
			if a.server.account(q.portal) == nil {
				return invalid("installPortalId must name an account that has the app.").response()
			}
		}
		return h(q)
	}
}

// journalPick chooses up to count files; false means that the offset is lost.
type journalPick func(files []*journalFile, offset string, count int) ([]*journalFile, bool)

func pickEarliest(files []*journalFile, _ string, count int) ([]*journalFile, bool) {
	return files[:min(count, len(files))], true
}

func pickLatest(files []*journalFile, _ string, count int) ([]*journalFile, bool) {
	return files[max(len(files)-count, 0):], true
}

func pickNext(files []*journalFile, offset string, count int) ([]*journalFile, bool) {
	rest, known := filesAfter(files, offset)
	return rest[:min(count, len(rest))], known
}

const journalBatchMax = 100

// journalPage answers one reference or, where the path has a count, a list of them; 204 when there is nothing (newer).
func (a *Account) journalPage(pick journalPick) handler {
	return func(q *request) response {
		count, batch := 1, q.PathValue("count") != ""
		if batch {
			count, _ = strconv.Atoi(q.PathValue("count"))
			if count < 1 || count > journalBatchMax {
				return invalid("count must be between 1 and %d.", journalBatchMax).response()
			}
		}
		return a.server.journal.read(q.portal, func(files []*journalFile) response {
			found, known := pick(files, q.PathValue("offset"), count)
			switch {
			case !known:
				return a.offsetLost()
			case len(found) == 0:
				return noContent()
			case batch:
				return ok(a.references(found, nil))
			}
			return ok(a.reference(found[0]))
		})
	}
}

// offsetLost is the answer for an offset that is unknown or older than three days; Options may change its status.
// https://developers.hubspot.com/docs/api-reference/2027-03-beta/webhooks-journal/journal-entries/local/get-journal-local-next
func (a *Account) offsetLost() response {
	return failure(a.server.opts.App.JournalLost, "OBJECT_NOT_FOUND", "The offset has expired or does not exist.")
}

// readOffsets answers references to files by their own offsets.
func (a *Account) readOffsets(q *request) response {
	var in struct {
		Inputs []string `json:"inputs"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if len(in.Inputs) > journalBatchMax {
		return tooMany(len(in.Inputs), journalBatchMax).response()
	}
	return a.server.journal.read(q.portal, func(files []*journalFile) response {
		var found []*journalFile
		var missing []string
		for _, offset := range in.Inputs {
			if i := slices.IndexFunc(files, func(f *journalFile) bool { return f.offset == offset }); i >= 0 {
				found = append(found, files[i])
			} else {
				missing = append(missing, offset)
			}
		}
		out := a.references(found, missing)
		if len(missing) > 0 {
			return response{http.StatusMultiStatus, out}
		}
		return ok(out)
	})
}

// journalRef leads to a file.
type journalRef struct {
	URL           string `json:"url"`
	ExpiresAt     string `json:"expiresAt"`
	CurrentOffset string `json:"currentOffset"`
}

type journalRefs struct {
	Status      string       `json:"status"`
	Results     []journalRef `json:"results"`
	NumErrors   int          `json:"numErrors,omitempty"`
	Errors      []*apiError  `json:"errors,omitempty"`
	StartedAt   string       `json:"startedAt"`
	CompletedAt string       `json:"completedAt"`
}

func (a *Account) references(files []*journalFile, missing []string) journalRefs {
	now := a.now().Format(timeLayout)
	out := journalRefs{Status: "COMPLETE", Results: []journalRef{}, StartedAt: now, CompletedAt: now}
	for _, f := range files {
		out.Results = append(out.Results, a.reference(f))
	}
	if len(missing) > 0 {
		e := fail(http.StatusNotFound, "OBJECT_NOT_FOUND", "Some offsets have expired or do not exist.")
		e.Context = map[string][]string{"offsets": missing}
		out.NumErrors, out.Errors = 1, []*apiError{e}
	}
	return out
}
