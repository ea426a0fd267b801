package birdtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The lists of the API. The caller holds s.mu.

// A paging is what a list call asks for. After is the position, counted from
// 1 in the order of creation, of the last entry of the page before; 0 is the
// beginning.
type paging struct {
	limit   int
	after   int
	reverse bool // oldest first
}

func (r *request) paging() (paging, *refusal) {
	p := paging{limit: 10, reverse: r.query.Get("reverse") == "true"}
	if v := r.query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			return p, invalid("limit must be between 1 and 100")
		}
		p.limit = n
	}
	if v := r.query.Get("pageToken"); v != "" {
		data, err := base64.StdEncoding.DecodeString(v)
		var key []string
		if err != nil || json.Unmarshal(data, &key) != nil || len(key) != 2 {
			return p, invalid("pageToken is not valid")
		}
		p.after, _ = strconv.Atoi(key[1])
	}
	return p, nil
}

// token makes the opaque mark of a place in a list.
func token(createdAt string, position int) string {
	data, _ := json.Marshal([]string{createdAt, strconv.Itoa(position)})
	return base64.StdEncoding.EncodeToString(data)
}

// list answers one page of entries, which are ordered by the number that key
// gives each, oldest first.
func list[T, W any](s *Server, r request, all []T, key func(T) (int, time.Time), wire func(T) W) reply {
	p, bad := r.paging()
	if bad != nil {
		return bad.reply()
	}
	shown, more := cut(p, all, key)
	results := make([]W, len(shown))
	for i, entry := range shown {
		results[i] = wire(entry)
	}
	body := map[string]any{"results": results}
	if more {
		seq, at := key(shown[len(shown)-1])
		body["nextPageToken"] = token(at.Format(timeLayout), seq)
	}
	if given := r.query.Get("pageToken"); s.repeatToken && given != "" {
		body["nextPageToken"] = given
	}
	return reply{http.StatusOK, body}
}

// cut returns the page's part of the entries and whether more follow.
func cut[T any](p paging, all []T, key func(T) (int, time.Time)) ([]T, bool) {
	at, found := slices.BinarySearchFunc(all, p.after, func(e T, n int) int {
		seq, _ := key(e)
		return seq - n
	})
	if p.reverse {
		if found {
			at++
		}
		end := min(at+p.limit, len(all))
		return all[at:end], end < len(all)
	}
	if p.after == 0 {
		at = len(all)
	}
	start := max(at-p.limit, 0)
	shown := slices.Clone(all[start:at])
	slices.Reverse(shown)
	return shown, start > 0
}

// listPart answers one page of a part of something, such as a contact's
// identifiers, which are told apart by their place only.
func listPart[T, W any](s *Server, r request, all []T, at func(T) time.Time, wire func(T) W) reply {
	places := make([]int, len(all))
	for i := range places {
		places[i] = i
	}
	return list(s, r, places, func(i int) (int, time.Time) { return i + 1, at(all[i]) }, func(i int) W { return wire(all[i]) })
}
